// The collector's age identity: made once, readable only by its user, understood by the stock program, never silently
// replaced.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSealingKey, sealingKeyPath } from './sealing-key.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'sonde-sealing-'))
})
afterEach(() => rmSync(state, { recursive: true }))

const stock = (path: string) => execFileSync('age-keygen', ['-y', path], { encoding: 'utf8' })

describe('openSealingKey()', () => {
  it('makes an identity that the stock program reads as the same recipient, for its user alone', async () => {
    const key = await openSealingKey(state, false)
    expect(stock(sealingKeyPath(state))).toBe(`${key.recipient}\n`)
    expect(statSync(sealingKeyPath(state)).mode & 0o777).toBe(0o600)
  })

  it('gives the same one ever after, to two that are the first at once as well', async () => {
    const [a, b] = await Promise.all([openSealingKey(state, false), openSealingKey(state, false)])
    const text = readFileSync(sealingKeyPath(state), 'utf8')
    expect(b).toEqual(a)
    expect(await openSealingKey(state, true)).toEqual(a)
    expect(readFileSync(sealingKeyPath(state), 'utf8')).toBe(text)
  })

  it('takes what age-keygen makes, with older identities behind the one in force', async () => {
    const make = () => execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const [first, second] = [make(), make()]
    writeFileSync(sealingKeyPath(state), `${first}\n\n${second}`)
    const { recipient, identities } = await openSealingKey(state, true)
    expect(first).toContain(recipient)
    expect(identities).toHaveLength(2)
  })

  it('does not make a new one where probes seal to one that is gone', async () => {
    await expect(openSealingKey(state, true)).rejects.toMatchObject({
      code: 'key_unusable',
      message: expect.stringContaining('restore it from its backup'),
    })
    expect(() => statSync(sealingKeyPath(state))).toThrow()
  })

  it.each([
    ['nothing', () => ''],
    ['comments alone', () => '# public key: age1…\n'],
    ['a recipient in its place', (own: string) => own.replace(/AGE-SECRET.*/, 'age1qqqq')],
    [
      'a mistyped letter',
      (own: string) => own.replace(/(.)\n$/, (_, last) => `${last === 'Q' ? 'P' : 'Q'}\n`),
    ],
    ['a key in PEM', () => '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n'],
    ['a good identity and a bad one', (own: string) => `${own}AGE-SECRET-KEY-1QQ\n`],
  ])('refuses %s, and leaves the file as it is', async (_, change) => {
    await openSealingKey(state, false)
    const text = change(readFileSync(sealingKeyPath(state), 'utf8'))
    writeFileSync(sealingKeyPath(state), text)
    await expect(openSealingKey(state, true)).rejects.toMatchObject({ code: 'key_unusable' })
    expect(readFileSync(sealingKeyPath(state), 'utf8')).toBe(text)
  })
})
