// The device's signing key: made once, kept readable by its user alone. Its id is the device's only name.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { type DeviceId, deviceId } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { ActionableError } from './actionable-error.ts'
import { isSick, writeFileDurably } from './atomic-file.ts'

export interface Identity {
  readonly device: DeviceId
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/**
 * Reads the key, or makes it at the first start.
 * @throws {ActionableError} `bad_state` when the file is there and is no Ed25519 key: it is never overwritten, since
 *   what is in the spool was signed with what it once held.
 */
export async function openIdentity(path: string): Promise<Identity> {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    await writeFileDurably(path, Buffer.from(pem)).catch((cause) => {
      throw new ActionableError(
        'state_unwritable',
        `Cannot write the key of this new device to ${path}. Is the disk full or read-only?`,
        { cause },
      )
    })
  }
  // A restore from a backup or a copy by hand may have widened it.
  if ((statSync(path).mode & 0o077) !== 0) narrow(path)
  const privateKey = readKey(path)
  const publicKey = createPublicKey(privateKey)
  return { device: v.parse(deviceId, keyIdOf(publicKey)), publicKey, privateKey }
}

function narrow(path: string): void {
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    // The next start on a disk that is well does it.
    if (!isSick(error)) throw error
  }
}

function readKey(path: string): KeyObject {
  const advice = `Put the right file back, or move it away to start as a new device.`
  let key: KeyObject
  try {
    key = createPrivateKey(readFileSync(path))
  } catch (cause) {
    throw new ActionableError('bad_state', `Cannot read the device key ${path}. ${advice}`, { cause })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new ActionableError(
      'bad_state',
      `The device key ${path} is ${key.asymmetricKeyType}, not Ed25519. ${advice}`,
    )
  }
  return key
}
