// The age writer, checked with other readers: the stock `age` program, and the library of age's own author.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter, Encrypter } from 'age-encryption'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type AgeRecipient, ageFileBytes, ageRecipientText, readAgeRecipient, sealForAge } from './age.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-age-'))
afterAll(() => rmSync(folder, { recursive: true }))
const keyFile = join(folder, 'key')
/** The identity is made by the stock program, as an operator would make it. */
const identity = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
writeFileSync(keyFile, identity)
const recipient = read(execFileSync('age-keygen', ['-y', keyFile], { encoding: 'utf8' }))
const secret = identity.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-1')) ?? ''

function read(text: string): AgeRecipient {
  const known = readAgeRecipient(text)
  if (known === null) throw new Error(`Not a recipient: ${text}`)
  return known
}

const seal = (...content: Uint8Array[]) => Buffer.concat([...sealForAge(recipient, content)])

function stockAge(file: Uint8Array): Buffer {
  const path = join(folder, 'file.age')
  writeFileSync(path, file)
  return execFileSync('age', ['-d', '-i', keyFile, path], {
    maxBuffer: 8e6,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

async function library(file: Uint8Array): Promise<Buffer> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(secret)
  return Buffer.from(await decrypter.decrypt(file))
}

describe('sealForAge()', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_576])(
    'is read by the stock program and by the library, %i bytes',
    async (length) => {
      const plain = randomBytes(length)
      const file = seal(plain)
      expect(file.length).toBe(ageFileBytes(length))
      expect(stockAge(file).equals(plain)).toBe(true)
      expect((await library(file)).equals(plain)).toBe(true)
    },
  )

  it('makes the same chunks however the content comes in pieces', async () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(pieces, async (lengths) => {
        const content = lengths.map((length, i) => Buffer.alloc(length, i + 1))
        const file = seal(...content)
        const whole = Buffer.concat(content)
        expect(file.length).toBe(ageFileBytes(whole.length))
        expect((await library(file)).equals(whole)).toBe(true)
      }),
      { numRuns: 12 },
    )
  })

  it('never makes the same file twice, but for who names the random bytes', () => {
    const plain = Buffer.from('the same')
    expect(seal(plain).equals(seal(plain))).toBe(false)
    const named = () => Buffer.concat([...sealForAge(recipient, [plain], (n) => Buffer.alloc(n, 7))])
    expect(named().equals(named())).toBe(true)
  })

  it('shows nothing of what is inside', () => {
    const file = seal(Buffer.from('web.whatsapp.com '.repeat(9_000)))
    expect(file.includes('whatsapp')).toBe(false)
    expect(file.includes(recipient.publicKey)).toBe(false)
  })

  it('holds one chunk at a time', () => {
    const sizes = [...sealForAge(recipient, [Buffer.alloc(1_000_000)])].map((piece) => piece.length)
    expect(Math.max(...sizes)).toBe(65_536 + 16)
  })

  it('makes files in which no bit can be turned and no end cut off', async () => {
    const file = seal(randomBytes(70_000))
    const damage = fc.record({ at: fc.nat(file.length - 1), bit: fc.nat(7), cut: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, bit, cut }) => {
        const bad = Buffer.from(cut ? file.subarray(0, at) : file)
        if (!cut) bad.writeUInt8(bad.readUInt8(at) ^ (1 << bit), at)
        await expect(library(bad)).rejects.toThrow()
      }),
      { numRuns: 60 },
    )
  })
})

describe('readAgeRecipient()', () => {
  it('reads what the stock program prints, and writes it the same', async () => {
    expect(ageRecipientText(recipient.publicKey)).toBe(recipient.text)
    expect(read(` ${recipient.text.toUpperCase()}\n`).text).toBe(recipient.text)
    // The identity also opens what the library seals to this recipient.
    const other = new Encrypter()
    other.addRecipient(recipient.text)
    expect((await library(await other.encrypt('x'))).toString()).toBe('x')
  })

  const swapped = (text: string, at: number) => {
    const [a = '', b = ''] = text.slice(at, at + 2)
    return text.slice(0, at) + b + a + text.slice(at + 2)
  }

  it.each([
    ['nothing', ''],
    ['a secret key', secret],
    ['a mistyped letter', recipient.text.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'))],
    ['a lost letter', recipient.text.slice(0, 20) + recipient.text.slice(21)],
    ['another prefix', recipient.text.replace('age', 'ega')],
    ['mixed case', recipient.text.replace('age', 'AGE')],
    ['an SSH key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmoq4'],
    ['31 bytes', ageRecipientText(recipient.publicKey.subarray(1))],
    ['33 bytes', ageRecipientText(Buffer.concat([recipient.publicKey, Buffer.of(1)]))],
    ['a point under which all could read: 0', ageRecipientText(Buffer.alloc(32))],
    [
      'a point under which all could read: 1',
      ageRecipientText(Buffer.concat([Buffer.of(1), Buffer.alloc(31)])),
    ],
  ])('refuses %s', (_, text) => {
    expect(readAgeRecipient(text)).toBeNull()
  })

  it('notices two letters that changed places', () => {
    for (let at = 4; at < recipient.text.length - 1; at++) {
      const text = swapped(recipient.text, at)
      if (text !== recipient.text) expect(readAgeRecipient(text)).toBeNull()
    }
  })
})
