// The two keys that sign which lists are the present ones: `lists/snapshot-key` and `lists/timestamp-key` in the state folder,
// mode 0600, made once. Whoever steals both can withhold lists and show old ones, and make none (tests-spec/lists/metadata.md §1).

import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type SigningKey, signingKey } from '../../tests-spec/lists/tuf/author.ts'
import { encodeKeyFile, isKeyFileWhole } from '../../tests-spec/protocol/key-file.ts'
import { createDurably, makeFolder } from '../archive/durable-file.ts'

export interface OnlineKeys {
  readonly snapshot: SigningKey
  readonly timestamp: SigningKey
}

export const listsFolder = (state: string) => join(state, 'lists')

/**
 * Reads both keys, or makes those that are not there.
 * @throws An error with the code `key_unusable` for a file that holds no such key.
 */
export async function openOnlineKeys(state: string): Promise<OnlineKeys> {
  await makeFolder(listsFolder(state))
  return { snapshot: await openKey(state, 'snapshot'), timestamp: await openKey(state, 'timestamp') }
}

async function openKey(state: string, role: keyof OnlineKeys): Promise<SigningKey> {
  const path = join(listsFolder(state), `${role}-key`)
  await createDurably(path, Buffer.from(encodeKeyFile(generateKeyPairSync('ed25519').privateKey)))
  const pem = await readFile(path, 'utf8')
  try {
    const key = signingKey(createPrivateKey(pem))
    if (isKeyFileWhole(pem, key.privateKey)) return key
  } catch {
    // Said below, with what to do.
  }
  throw Object.assign(
    new Error(`Cannot use ${path}: it is not what was written. Restore it from its backup`),
    {
      code: 'key_unusable',
    },
  )
}
