// The file of an Ed25519 signing key: PKCS8 in PEM, followed by the public half, SPKI in PEM (RFC 7468, RFC 8410).
// Any 32 bytes are a private key, so one flipped bit would silently make another key; the two halves must fit.

import { createPublicKey, type KeyObject } from 'node:crypto'

export function encodeKeyFile(privateKey: KeyObject): string {
  return pemOf(privateKey) + pemOf(createPublicKey(privateKey))
}

/** Whether the file from which `privateKey` was read is what was written. */
export function isKeyFileWhole(text: string, privateKey: KeyObject): boolean {
  return encodeKeyFile(privateKey).trimEnd() === text.replaceAll('\r\n', '\n').trimEnd()
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }))
}
