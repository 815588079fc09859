// What the attempts to index leave behind when the process ends in the middle of one.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { Attempts } from './attempts.ts'

const idOf = (name: string) => v.parse(batchId, sha256Hex(Buffer.from(name)))
const [poison, honest] = [idOf('poison'), idOf('honest')]
const notDone = () => false

describe('Attempts', () => {
  let state: string
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'sonde-attempts-'))
  })
  afterEach(() => rmSync(state, { recursive: true }))

  /** A life of the process that ends while it tries a batch. */
  const die = (id: typeof poison, alone: boolean) => {
    const attempts = Attempts.open(state)
    const found = attempts.conclude(notDone)
    attempts.begin(id, alone)
    return found
  }

  it('suspects a batch that the process ended in, and sets it aside when it ends it alone, twice', () => {
    expect(die(poison, false)).toBeNull()
    expect(die(poison, true)).toEqual({ batch: poison, became: 'suspect' })
    expect(die(poison, true)).toEqual({ batch: poison, became: 'suspect' })
    const attempts = Attempts.open(state)
    expect(attempts.conclude(notDone)).toEqual({ batch: poison, became: 'set aside' })
    expect(attempts.setAside).toEqual([poison])
    attempts.done(poison)
    expect(Attempts.open(state).setAside).toEqual([])
  })

  it('counts no end in company, however often', () => {
    for (let life = 0; life < 50; life++) die(honest, false)
    const attempts = Attempts.open(state)
    attempts.conclude(notDone)
    expect(attempts.isSuspect(honest)).toBe(true)
    expect(attempts.isSetAside(honest)).toBe(false)
    attempts.done(honest)
    expect(Attempts.open(state).isSuspect(honest)).toBe(false)
  })

  it('suspects nothing that the process had got done with', () => {
    die(honest, true)
    expect(Attempts.open(state).conclude((id) => id === honest)).toBeNull()
    expect(readdirSync(join(state, 'indexing'))).toEqual([])
  })

  it('takes a note that was cut short for none', () => {
    Attempts.open(state)
    writeFileSync(join(state, 'indexing', 'trying'), '{"batch":"')
    writeFileSync(join(state, 'indexing', `${honest}.json`), '')
    const attempts = Attempts.open(state)
    expect(attempts.conclude(notDone)).toBeNull()
    expect(attempts.isSetAside(honest)).toBe(false)
  })
})
