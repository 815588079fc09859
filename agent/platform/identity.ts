// The device's signing key: made once, and readable by its user alone. Its id is the device's only name. key-file.ts
// says what the file holds.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { type DeviceId, deviceId } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { encodeKeyFile, isKeyFileWhole } from '../../tests-spec/protocol/key-file.ts'
import { ActionableError } from './actionable-error.ts'
import { isDiskFailure, readFileIfPresent, writeFileDurably } from './atomic-file.ts'

export interface Identity {
  readonly device: DeviceId
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/**
 * Reads the key, or makes it at the first start.
 * @throws {ActionableError} `bad_state` when the file exists and holds no Ed25519 key, or another key than before:
 * the file is never overwritten, since the batches in the spool were signed with the key that it once held.
 */
export async function openIdentity(path: string): Promise<Identity> {
  const written = await readOrNull(path)
  if (written !== null) narrow(path)
  return identityOf(written === null ? await makeKey(path) : readKey(path, written))
}

/** An identity that is kept nowhere. */
export function makeIdentity(): Identity {
  return identityOf(generateKeyPairSync('ed25519').privateKey)
}

function identityOf(privateKey: KeyObject): Identity {
  const publicKey = createPublicKey(privateKey)
  return { device: v.parse(deviceId, keyIdOf(publicKey)), publicKey, privateKey }
}

/** A key may be made only when the file is certainly not there: a disk that refuses may still have it. */
async function readOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readFileIfPresent(path)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const what = isDiskFailure(cause) ? 'Look at the card, and at who owns the file.' : advice
    throw new ActionableError('bad_state', `Cannot read the device key ${path}: ${why}. ${what}`, { cause })
  }
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFileDurably(path, Buffer.from(encodeKeyFile(privateKey))).catch((cause) => {
    throw new ActionableError(
      'state_unwritable',
      `Cannot write the key of this new device to ${path}: ${cause instanceof Error ? cause.message : cause}. Make room or change the card, then start again.`,
      { cause },
    )
  })
  return privateKey
}

/** Narrows the permissions, which a restore from a backup or a copy by hand may have widened. */
function narrow(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  } catch (error) {
    // The next start on a disk that works does it; of a file that is another user's, its owner.
    if (!isDiskFailure(error)) throw error
  }
}

const advice = 'Put the right file back, or move it away to start as a new device.'

function readKey(path: string, written: Buffer): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(written)
  } catch (cause) {
    throw new ActionableError('bad_state', `Cannot read the device key ${path}. ${advice}`, { cause })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new ActionableError(
      'bad_state',
      `The device key ${path} is ${key.asymmetricKeyType}, not Ed25519. ${advice}`,
    )
  }
  if (!isKeyFileWhole(written.toString('latin1'), key)) {
    throw new ActionableError('bad_state', `The device key ${path} is not what was written. ${advice}`)
  }
  return key
}
