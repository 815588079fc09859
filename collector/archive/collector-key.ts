// The collector's signing key: it signs receipts and enrolment records. Its id is in every token, so that a device
// knows which collector to believe. PKCS8 PEM, mode 0600, made at the first start and never replaced.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { encodeKeyFile, isKeyFileWhole } from '../../tests-spec/protocol/key-file.ts'
import { createDurably } from './durable-file.ts'

export interface CollectorKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly id: string
}

/** The state folder cannot be used as it is; the message says what the operator can do. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused'
  readonly code = 'key_unusable'
}

export const collectorKeyPath = (state: string) => join(state, 'collector-key')

/**
 * Reads the key from the state folder, or makes one when the folder is new.
 *
 * @throws {KeyRefused} When the file is no Ed25519 key, or is gone while probes are enrolled: with a new key no probe
 * would believe the collector, so the operator must decide that.
 */
export async function openCollectorKey(state: string): Promise<CollectorKey> {
  const path = collectorKeyPath(state)
  const pem = (await readIfThere(path)) ?? (await makeKey(state, path))
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch (cause) {
    throw new KeyRefused(`Cannot use ${path}: expected a private key in PEM form`, { cause })
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new KeyRefused(`Cannot use ${path}: it is ${privateKey.asymmetricKeyType}, expected ed25519`)
  }
  if (!isKeyFileWhole(pem, privateKey))
    throw new KeyRefused(`Cannot use ${path}: it is not what was written. Restore it from its backup`)
  const publicKey = createPublicKey(privateKey)
  return { privateKey, publicKey, id: keyIdOf(publicKey) }
}

async function makeKey(state: string, path: string): Promise<string> {
  const probes = await readdir(join(state, 'probes')).catch(() => [])
  if (probes.length > 0) {
    throw new KeyRefused(`${path} is gone, but ${probes.length} probes are enrolled with it: restore it`)
  }
  const pem = encodeKeyFile(generateKeyPairSync('ed25519').privateKey)
  // `serve` and `token` may both run for the first time at once; only one of them makes the key.
  return (await createDurably(path, Buffer.from(pem))) ? pem : readFile(path, 'utf8')
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
