// age v1 (the C2SP specification "age") for one X25519 recipient, the writing half: only the collector can open what
// a probe seals. Header, HKDF, HMAC, and STREAM in chunks of 64 KiB, with nothing but node:crypto. Reading is left to
// the holder of an identity; sealed.md is the page about the content.

import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { decodeBech32, encodeBech32 } from './bech32.ts'

/** The recipient that a file can be sealed to. */
export interface AgeRecipient {
  /** `age1…`, in lower case. */
  readonly text: string
  /** X25519 public key, 32 bytes. */
  readonly publicKey: Buffer
}

/** Gives `bytes` bytes that cannot be guessed. It is an argument so that a test vector can fix them. */
export type Random = (bytes: number) => Uint8Array

const versionLine = 'age-encryption.org/v1'
const chunkBytes = 65_536
const tagBytes = 16
/** Bytes of the header with one X25519 stanza, 168, and of the payload's nonce. */
const beforePayload = 184

/** RFC 8410: the bytes in front of a raw X25519 key, public as SPKI and private as PKCS8. */
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')

/**
 * Reads what `age-keygen` calls a public key. White space around it does not matter.
 *
 * @returns null for anything else: a mistyped letter, another kind of recipient, a secret key, and the few points
 * (RFC 7748 §6.1) under which anyone could open the file.
 */
export function readAgeRecipient(text: string): AgeRecipient | null {
  const publicKey = decodeBech32('age', text.trim())
  if (publicKey?.length !== 32) return null
  try {
    // This fails for a point of low order: the shared secret would be all zeros.
    diffieHellman({ privateKey: privateKeyOf(Buffer.alloc(32, 1)), publicKey: publicKeyOf(publicKey) })
  } catch {
    return null
  }
  return { text: text.trim().toLowerCase(), publicKey }
}

/** @returns `age1…` for 32 bytes of an X25519 public key. */
export function ageRecipientText(publicKey: Uint8Array): string {
  return encodeBech32('age', publicKey)
}

/** @returns How many bytes `sealForAge` makes of `plainBytes`: the size is all that the holder of the file learns. */
export function ageFileBytes(plainBytes: number): number {
  return beforePayload + plainBytes + tagBytes * Math.max(1, Math.ceil(plainBytes / chunkBytes))
}

/**
 * Seals `content` to `recipient`, one chunk at a time: neither the whole content nor the whole file is ever in
 * memory.
 *
 * @returns The bytes of the file, in order. Without the last of them, the file cannot be told from a truncated one.
 */
export function* sealForAge(
  recipient: AgeRecipient,
  content: Iterable<Uint8Array>,
  random: Random = randomBytes,
): Generator<Buffer> {
  const fileKey = Buffer.from(random(16))
  yield header(recipient, fileKey, Buffer.from(random(32)))
  const nonce = Buffer.from(random(16))
  yield nonce
  const streamKey = derive(fileKey, nonce, 'payload')
  let number = 0
  for (const { chunk, last } of chunksOf(content)) yield encrypt(streamKey, chunkNonce(number++, last), chunk)
}

function header(recipient: AgeRecipient, fileKey: Buffer, ephemeralSecret: Buffer): Buffer {
  const privateKey = privateKeyOf(ephemeralSecret)
  const share = rawPublicKey(createPublicKey(privateKey))
  const secret = diffieHellman({ privateKey, publicKey: publicKeyOf(recipient.publicKey) })
  const wrapKey = derive(secret, Buffer.concat([share, recipient.publicKey]), `${versionLine}/X25519`)
  // The nonce may be zero, since each key encrypts only one message.
  const body = encrypt(wrapKey, Buffer.alloc(12), fileKey)
  const covered = `${versionLine}\n-> X25519 ${base64(share)}\n${base64(body)}\n---`
  const macKey = derive(fileKey, Buffer.alloc(0), 'header')
  return Buffer.from(`${covered} ${base64(createHmac('sha256', macKey).update(covered).digest())}\n`)
}

/**
 * Chunks of exactly 64 KiB, and a last one that is shorter or full; it is empty only when there is no content at all.
 */
function* chunksOf(content: Iterable<Uint8Array>): Generator<{ chunk: Uint8Array; last: boolean }> {
  let held = Buffer.alloc(0)
  for (const piece of content) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece])
    // A full chunk goes out only when it is known that more follows, since otherwise it is the last.
    for (; held.length > chunkBytes; held = held.subarray(chunkBytes))
      yield { chunk: held.subarray(0, chunkBytes), last: false }
  }
  yield { chunk: held, last: true }
}

/** STREAM: eleven bytes that count the chunks, and one that marks the last. They stop chunks from being moved. */
function chunkNonce(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = last ? 1 : 0
  return nonce
}

function encrypt(key: Buffer, nonce: Buffer, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function derive(secret: Buffer, salt: Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, label, 32))
}

function privateKeyOf(raw: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, raw]), format: 'der', type: 'pkcs8' })
}

function publicKeyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' })
}

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length)
}

/** Base64 by RFC 4648 §4 without padding, as in age's headers. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
