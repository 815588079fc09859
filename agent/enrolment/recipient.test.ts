// The recipient that the probe seals to: the one named at enrolment, and the one named last.

import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { ageRecipientText } from '../../tests-spec/protocol/age.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Collector } from './enrolment.ts'
import { knownRecipient, learnRecipient } from './recipient.ts'

const recipient = () => {
  const spki = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' })
  return ageRecipientText(spki.subarray(12))
}
const [first, second] = [recipient(), recipient()]
const enrolledWith = (told: string | null) => ({ recipient: told, enrolledAt: 1_000 }) as Collector
const said = (text: string | undefined, at: number) => ({ recipient: text, at }) as Receipt

let path: string
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'sonde-recipient-')), 'recipient.json')
})
const known = async (collector: Collector) => (await knownRecipient(path, collector))?.text ?? null

describe('knownRecipient()', () => {
  it('is what the enrolment record says, and null when it says nothing', async () => {
    expect(await known(enrolledWith(first))).toBe(first)
    expect(await known(enrolledWith(null))).toBeNull()
  })

  it('is what a receipt said, where the record is from before', async () => {
    await learnRecipient(path, enrolledWith(null), said(first, 2_000))
    expect(await known(enrolledWith(null))).toBe(first)
  })

  it('is the last word, not the last heard: an old receipt may come late', async () => {
    const collector = enrolledWith(first)
    await learnRecipient(path, collector, said(second, 3_000))
    await learnRecipient(path, collector, said(first, 2_000))
    expect(await known(collector)).toBe(second)
    await learnRecipient(path, collector, said(first, 4_000))
    expect(await known(collector)).toBe(first)
  })

  it('is the record again after a later enrolment', async () => {
    await learnRecipient(path, enrolledWith(null), said(second, 2_000))
    expect(await known({ ...enrolledWith(first), enrolledAt: 5_000 })).toBe(first)
  })

  it.each([
    ['no recipient', undefined],
    ['a mistyped one', first.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'))],
    ['an older one than the enrolment', second],
  ])('is not changed by a receipt with %s', async (what, text) => {
    await learnRecipient(path, enrolledWith(first), said(text, what.startsWith('an older') ? 500 : 9_000))
    expect(await known(enrolledWith(first))).toBe(first)
  })

  it('is what the record says when the note of it is torn', async () => {
    writeFileSync(path, '{"recipient":"ag')
    expect(await known(enrolledWith(first))).toBe(first)
  })
})
