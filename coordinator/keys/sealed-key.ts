// A key at rest: JSON with its name and its public half, and the private half as age seals it under a passphrase (scrypt). `age -d`
// opens the part `sealed` where this program is not at hand.

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { armor, Decrypter, Encrypter } from 'age-encryption'
import { type SigningKey, signingKey } from '../../tests-spec/lists/tuf/author.ts'
import { encodeKeyFile, isKeyFileWhole } from '../../tests-spec/protocol/key-file.ts'
import { CommandFailed } from '../command-failed.ts'

/** Half a gigabyte and seconds on a laptop for one guess. Logarithm to the base 2. */
export const usualWorkFactor = 18
/** Fewer can be guessed, however slow a guess is. */
export const leastPassphraseChars = 10

export interface SealedKey {
  readonly v: 1
  readonly name: string
  /** 32 bytes in hex. */
  readonly public: string
  /** An age file in its armour: the private half, as key-file.ts writes it. */
  readonly sealed: string
}

export async function sealKey(
  name: string,
  privateKey: KeyObject,
  passphrase: string,
  workFactor: number,
): Promise<string> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  encrypter.setScryptWorkFactor(workFactor)
  const sealed = armor.encode(await encrypter.encrypt(encodeKeyFile(privateKey)))
  const key: SealedKey = { v: 1, name, public: signingKey(privateKey).publicHex, sealed }
  return `${JSON.stringify(key, null, 2)}\n`
}

/**
 * @param path - For the sentence alone.
 * @throws {CommandFailed} `key_damaged`.
 */
export function readSealedKey(text: string, path: string): SealedKey {
  try {
    const key = JSON.parse(text) as Partial<SealedKey>
    if (
      key.v === 1 &&
      typeof key.name === 'string' &&
      /^[0-9a-f]{64}$/.test(key.public ?? '') &&
      typeof key.sealed === 'string'
    )
      return key as SealedKey
  } catch {
    // Said below, with what to do.
  }
  throw new CommandFailed('key_damaged', (words) => words.keyDamaged(path))
}

/** @throws {CommandFailed} `wrong_passphrase`, `key_damaged`. */
export async function openSealedKey(key: SealedKey, passphrase: string, path: string): Promise<SigningKey> {
  const damaged = (cause?: unknown) =>
    new CommandFailed('key_damaged', (words) => words.keyDamaged(path), { cause })
  let bytes: Uint8Array
  try {
    bytes = armor.decode(key.sealed)
  } catch (cause) {
    throw damaged(cause)
  }
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  const text = await decrypter.decrypt(bytes, 'text').catch((cause) => {
    // age says this of a passphrase that does not fit, and other things of a file that is broken.
    if (cause instanceof Error && /no identity matched/.test(cause.message))
      throw new CommandFailed('wrong_passphrase', (words) => words.wrongPassphrase(key.name), { cause })
    throw damaged(cause)
  })
  try {
    const opened = signingKey(createPrivateKey(text))
    if (isKeyFileWhole(text, opened.privateKey) && opened.publicHex === key.public) return opened
  } catch (cause) {
    throw damaged(cause)
  }
  throw damaged()
}
