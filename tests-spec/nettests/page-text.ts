// A body as text, as far as a title needs it: unpacked, by its charset, with HTML's entities written out. As browsers have it
// (WHATWG Encoding and HTML), within bounds. Pure.

import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import type { HeaderPair } from './http-header.ts'

/** A body as it came, and what its headers say of it. */
export interface ReceivedBody {
  readonly body: Buffer
  readonly headersList: readonly HeaderPair[]
}

/**
 * Packed bytes that are looked at, and of those the first when all are a bomb. Titles stand early; a deflate of 1 KiB gives
 * 1 MiB at most.
 */
const maxPackedBytes = [16 * 1024, 512] as const
const maxUnpackedBytes = 1024 * 1024

/**
 * Undoes `Content-Encoding`, as much of it as came: servers pack although nothing was asked for.
 *
 * @returns The body as it is where it is not packed, in a way unknown here, or not as the header says.
 */
export function unpacked({ body, headersList }: ReceivedBody): Buffer {
  const coding = headerValue(headersList, 'Content-Encoding').toLowerCase().trim()
  const unpack = unpackers.get(coding)
  if (unpack === undefined) return body
  for (const most of maxPackedBytes) {
    try {
      return unpack(body.subarray(0, most))
    } catch {
      // A bomb, or nothing of the kind; fewer bytes of a bomb may do.
    }
  }
  return body
}

const flushed = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxUnpackedBytes }
const gunzip = (bytes: Buffer) => gunzipSync(bytes, flushed)

const unpackers: ReadonlyMap<string, (bytes: Buffer) => Buffer> = new Map([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  // With and without the header of zlib: both are sent under this name.
  [
    'deflate',
    (bytes) => ((bytes[0] ?? 0) % 16 === 8 ? inflateSync(bytes, flushed) : inflateRawSync(bytes, flushed)),
  ],
  [
    'br',
    (bytes) =>
      brotliDecompressSync(bytes, {
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
        maxOutputLength: maxUnpackedBytes,
      }),
  ],
])

function headerValue(headersList: readonly HeaderPair[], wanted: string): string {
  return headersList.find(([name]) => name === wanted)?.[1] ?? ''
}

/** How far browsers look for `<meta charset>`. */
const maxMetaBytes = 1024

/** @returns The label of the charset: of a byte order mark, of the header, or of a meta element; null when none says. */
export function charsetOf({ body, headersList }: ReceivedBody): string | null {
  const begin = body.toString('latin1', 0, 3)
  if (begin === '\xef\xbb\xbf') return 'utf-8'
  if (begin.startsWith('\xfe\xff')) return 'utf-16be'
  if (begin.startsWith('\xff\xfe')) return 'utf-16le'
  const ofHeader = charsetIn(headerValue(headersList, 'Content-Type'))
  if (ofHeader !== null) return ofHeader
  const head = body.toString('latin1', 0, maxMetaBytes)
  const metas = [...head.matchAll(/<meta\s[^>]{1,512}/gi)].map(([meta]) => charsetIn(meta))
  const ofMeta = metas.find((label) => label !== null) ?? null
  // Whoever could read that element does not read UTF-16.
  return ofMeta?.startsWith('utf-16') === true ? 'utf-8' : ofMeta
}

function charsetIn(text: string): string | null {
  return /charset\s{0,8}=\s{0,8}["']?\s{0,8}([a-z0-9_:.-]{1,40})/i.exec(text)?.[1]?.toLowerCase() ?? null
}

export type Decoder = InstanceType<typeof TextDecoder>

/** @returns null for a label that nobody knows, or that this Node.js has no table for. */
export function decoderOf(label: string): Decoder | null {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

/**
 * Decodes text in which each character stands for a byte: as UTF-8 if it is valid UTF-8, which is what servers mean.
 */
export function latin1OrUtf8(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(latin1, 'latin1'))
  } catch {
    return latin1
  }
}

/** Text of HTML as it is shown: entities written out, runs of blanks as one. */
export function plainText(html: string): string {
  return html
    .replaceAll(entity, written)
    .replaceAll(/[\t\n\f\r ]+/g, ' ')
    .trim()
}

const entity = /&(?:#(\d{1,7});?|#x([0-9a-f]{1,6});?|([a-z][a-z0-9]{1,9})(;?))/gi

function written(whole: string, decimal?: string, hex?: string, name?: string, end?: string): string {
  if (decimal !== undefined) return characterOf(Number(decimal))
  if (hex !== undefined) return characterOf(Number.parseInt(hex, 16))
  const old = oldEntities.get(name ?? '')
  return old ?? (end === ';' ? entities.get(name ?? '') : undefined) ?? whole
}

/** The characters that Windows-1252 has in place of the controls 128 to 159: HTML, "numeric character reference end state". */
const windows1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178'

function characterOf(code: number): string {
  if (code >= 128 && code < 160) return windows1252[code - 128] ?? '\ufffd'
  const isNone = code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)
  return isNone ? '\ufffd' : String.fromCodePoint(code)
}

/** The names that need no semicolon: those of Latin-1 in the order of their characters, from U+00A0 on, and four more. */
const latin1Names =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para ' +
  'middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute ' +
  'Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute ' +
  'THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ' +
  'ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'
const oldEntities: ReadonlyMap<string, string> = new Map([
  ...latin1Names.split(' ').map((name, i) => [name, String.fromCharCode(0xa0 + i)] as const),
  ...([
    ['amp', '&'],
    ['lt', '<'],
    ['gt', '>'],
    ['quot', '"'],
  ] as const),
  ...([
    ['AMP', '&'],
    ['LT', '<'],
    ['GT', '>'],
    ['QUOT', '"'],
  ] as const),
])
/** Those that titles have besides. HTML knows two thousand. */
const entities: ReadonlyMap<string, string> = new Map([
  ['apos', "'"],
  ['ndash', '\u2013'],
  ['mdash', '\u2014'],
  ['lsquo', '\u2018'],
  ['rsquo', '\u2019'],
  ['sbquo', '\u201a'],
  ['ldquo', '\u201c'],
  ['rdquo', '\u201d'],
  ['bdquo', '\u201e'],
  ['lsaquo', '\u2039'],
  ['rsaquo', '\u203a'],
  ['hellip', '\u2026'],
  ['bull', '\u2022'],
  ['trade', '\u2122'],
  ['euro', '\u20ac'],
  ['OElig', '\u0152'],
  ['oelig', '\u0153'],
  ['Scaron', '\u0160'],
  ['scaron', '\u0161'],
  ['ensp', '\u2002'],
  ['emsp', '\u2003'],
  ['thinsp', '\u2009'],
  ['zwnj', '\u200c'],
  ['zwj', '\u200d'],
  ['lrm', '\u200e'],
  ['rlm', '\u200f'],
  ['rarr', '\u2192'],
  ['larr', '\u2190'],
  ['vert', '|'],
  ['verbar', '|'],
  ['colon', ':'],
  ['period', '.'],
  ['comma', ','],
  ['excl', '!'],
  ['quest', '?'],
  ['num', '#'],
  ['sol', '/'],
  ['lpar', '('],
  ['rpar', ')'],
  ['commat', '@'],
])
