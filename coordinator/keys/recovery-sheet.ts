// A key on paper: its 32 bytes in hex, four lines of four groups of four, each line with a check of its own behind a hyphen, so that
// a slip is found in its line.

import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import { signingKey } from '../../tests-spec/lists/tuf/author.ts'
import type { Words } from '../words/words.ts'

/** Of PKCS8 of an Ed25519 key, before its 32 bytes (RFC 8410). */
const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
export const sheetLines = 4
const lineBytes = 8
/** Of a page of A4 in the letters that a terminal's printer has. */
const paperColumns = 76

/** @returns The lines that are typed again when the key is lost. */
export function linesOf(privateKey: KeyObject): string[] {
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32)
  return Array.from({ length: sheetLines }, (_, i) => {
    const part = seed.subarray(i * lineBytes, (i + 1) * lineBytes)
    const groups = part.toString('hex').match(/.{4}/g) ?? []
    return `${groups.join(' ')} - ${checkOf(i, part)}`
  })
}

/** @returns The bytes of one line, or null when it was not typed right. Blanks, case and hyphens do not matter. */
export function readLine(text: string, index: number): Buffer | null {
  const digits = text.toLowerCase().replace(/[\s-]/g, '')
  if (!/^[0-9a-f]{20}$/.test(digits)) return null
  const part = Buffer.from(digits.slice(0, 16), 'hex')
  return digits.slice(16) === checkOf(index, part) ? part : null
}

export function keyOf(parts: readonly Buffer[]): KeyObject {
  return createPrivateKey({ key: Buffer.concat([prefix, ...parts]), type: 'pkcs8', format: 'der' })
}

/** The sheet as it is printed: 80 columns, less than a page of A4. */
export function sheetText(name: string, privateKey: KeyObject, words: Words): string {
  const { id } = signingKey(privateKey)
  const rule = '-'.repeat(paperColumns)
  const prose = (text: string) => wrapWords(text, paperColumns)
  return [
    words.sheetTitle(name),
    rule,
    prose(words.sheetMay(name)),
    words.sheetKeyId(id),
    '',
    prose(words.sheetSecret()),
    '',
    ...linesOf(privateKey).map((line, i) => `    ${i + 1}:  ${line}`),
    '',
    prose(words.sheetHow()),
    rule,
    '',
  ].join('\n')
}

/** The number of the line is in it: two lines in each other's place are found as well. */
function checkOf(index: number, part: Uint8Array): string {
  return createHash('sha256').update(`sonde sheet ${index} `).update(part).digest('hex').slice(0, 4)
}
