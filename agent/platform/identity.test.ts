// The device's key: made once, private, and never overwritten.

import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openIdentity } from './identity.ts'

const fresh = () => join(mkdtempSync(join(tmpdir(), 'sonde-key-')), 'device-key')

it('openIdentity() makes a key that only its owner reads, and finds it again', async () => {
  const path = fresh()
  const first = await openIdentity(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(first.device).toMatch(/^[0-9a-f]{32}$/)
  expect((await openIdentity(path)).device).toBe(first.device)
})

it('openIdentity() takes back permissions that were widened', async () => {
  const path = fresh()
  await openIdentity(path)
  chmodSync(path, 0o644)
  await openIdentity(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it.each([
  ['garbage', () => 'not a key'],
  ['an empty file, as a torn write leaves it', () => ''],
  [
    'a key of another kind',
    () => generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  ],
  [
    'a private key without its public half, by which one flipped bit is seen',
    () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  ],
])('openIdentity() refuses %s and leaves it as it is', async (_name, content) => {
  const path = fresh()
  const text = content()
  writeFileSync(path, text)
  await expect(openIdentity(path)).rejects.toThrow(/device key/)
  expect(readFileSync(path, 'utf8')).toBe(text)
})
