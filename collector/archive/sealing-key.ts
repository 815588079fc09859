// The collector's age identity: what probes seal for a stick can be opened with it and with nothing else. Kept in the
// form of `age-keygen`, so that the stock program opens their files too:
//   age --decrypt --identity sealing-key FILE
// Made once, mode 0600, replaced by a person or not at all: tests-spec/protocol/sealed.md, "Keys".

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ageRecipientText } from '../../tests-spec/protocol/age.ts'
import { decodeBech32, encodeBech32 } from '../../tests-spec/protocol/bech32.ts'
import { KeyRefused } from './collector-key.ts'
import { createDurably } from './durable-file.ts'

export interface SealingKey {
  /** `AGE-SECRET-KEY-1…`: the identity in force, then those that older files may still be sealed to. */
  readonly identities: readonly string[]
  /** `age1…`, the recipient of the first identity, for the probes. */
  readonly recipient: string
}

const secretPrefix = 'age-secret-key-'
/** RFC 8410: the bytes in front of a raw X25519 key, private as PKCS8 and public as SPKI. */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const spkiBytes = 12

export const sealingKeyPath = (state: string) => join(state, 'sealing-key')

/**
 * Reads the identity from the state folder, or makes one if there never was one.
 *
 * @param promised - Whether probes were given a recipient. A new identity could not open what they have sealed, so if
 * the file is gone the operator must decide.
 * @throws {KeyRefused}
 */
export async function openSealingKey(state: string, promised: boolean): Promise<SealingKey> {
  const path = sealingKeyPath(state)
  const found = await readIfThere(path)
  if (found === null && promised) {
    throw new KeyRefused(
      `${path} is gone, but probes seal to it: restore it from its backup. If there is none, make a new one with age-keygen -o ${path}; what was sealed to the old one stays closed`,
    )
  }
  const key = read(found ?? (await make(path)))
  if (key === null) throw new KeyRefused(`Cannot use ${path}: expected lines of AGE-SECRET-KEY-1…`)
  return key
}

async function make(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('x25519')
  const raw = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(pkcs8Prefix.length)
  const identity = encodeBech32(secretPrefix, raw).toUpperCase()
  const text = `# public key: ${recipientOf(raw)}\n${identity}\n`
  // `serve` and `recipient` may both run for the first time at once; only one of them makes the key.
  return (await createDurably(path, Buffer.from(text))) ? text : readFile(path, 'utf8')
}

function read(text: string): SealingKey | null {
  const lines = text.split('\n').map((line) => line.trim().toUpperCase())
  // The comment with the public key is for people: it may have been left out, or belong to another identity.
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const secrets = identities.map((line) => decodeBech32(secretPrefix, line.toLowerCase()))
  const first = secrets[0]
  if (first?.length !== 32 || secrets.some((secret) => secret?.length !== 32)) return null
  return { identities, recipient: recipientOf(first) }
}

function recipientOf(raw: Buffer): string {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, raw]),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return ageRecipientText(spki.subarray(spkiBytes))
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
