// What is wrong with a list before it goes to devices, row by row: list-rows.md. Pure.

import { quoted } from '../command-line/quoted.ts'
import { isBogon } from '../nettests/bogon.ts'
import { hostOfUrl, isIpLiteral } from '../nettests/host-text.ts'
import { categories, needsConsent } from './category.ts'
import type { ListRow } from './list-row.ts'
import { isPrivateName, isWebPort } from './public-target.ts'

/** Stable: people look them up. */
export type LintCode =
  | 'no_url'
  | 'bad_url'
  | 'not_web'
  | 'user_info'
  | 'private_host'
  | 'odd_port'
  | 'unknown_category'
  | 'duplicate'
  | 'too_many'
  | 'consent'
  | 'scheme_pair'
  | 'clear_text'
  | 'deep_link'
  | 'fragment'
  | 'not_normal'
  | 'foreign_script'
  | 'no_source'
  | 'bad_date'

export interface Finding {
  readonly line: number
  readonly code: LintCode
  /** `error`: the list is refused. `warning`: it may be meant. */
  readonly level: 'error' | 'warning'
  /** What is wrong and what to do, in a sentence. */
  readonly words: string
}

/** As many as a device has time for in six hours, four at once. */
export const maxRows = 2_000
const maxUrlChars = 2_048
/** @returns Findings in the order of the rows; those of the list as a whole last, with the line of its last row. */
export function lintRows(rows: readonly ListRow[]): Finding[] {
  const seen = new Map<string, number>()
  const found = rows.flatMap((row) => lintRow(row, seen))
  if (rows.length > maxRows)
    found.push(
      error(
        rows.at(-1)?.line ?? 1,
        'too_many',
        `${rows.length} rows; a list has at most ${maxRows}. Divide it.`,
      ),
    )
  return found
}

function lintRow(row: ListRow, seen: Map<string, number>): Finding[] {
  const { line } = row
  const text = row.url.trim()
  if (text === '') return [error(line, 'no_url', 'There is no URL in this row.')]
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || text.length > maxUrlChars)
    return [
      error(line, 'bad_url', `${quoted(text)} is no URL, such as https://example.org/.`),
      ...lintAside(row),
    ]
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return [error(line, 'not_web', `${quoted(text)} is neither http:// nor https://.`), ...lintAside(row)]
  return [...lintUrl(line, text, url), ...lintAgain(line, url, seen), ...lintAside(row)]
}

function lintUrl(line: number, text: string, url: URL): Finding[] {
  const host = hostOfUrl(url)
  const found: Finding[] = []
  if (url.username !== '' || url.password !== '')
    found.push(error(line, 'user_info', 'A URL with a user name or a password is not measured: take it out.'))
  if (isIpLiteral(host) ? isBogon(host) : isPrivateName(host))
    found.push(
      error(line, 'private_host', `${quoted(host)} is in no public network: no device knocks there.`),
    )
  if (!isWebPort(url.port))
    found.push(
      error(line, 'odd_port', `No website is at port ${url.port}: devices go to the ports of the web only.`),
    )
  if (url.hash !== '')
    found.push(warning(line, 'fragment', `What stands behind # is never sent: take ${quoted(url.hash)} out.`))
  if (url.protocol === 'http:')
    found.push(
      warning(
        line,
        'clear_text',
        'Most sites lead from http:// to https:// at once: add or prefer https://.',
      ),
    )
  else if (url.pathname !== '/' || url.search !== '')
    found.push(
      warning(
        line,
        'deep_link',
        `Nobody on the way sees ${quoted(url.pathname + url.search)} behind https://: the site alone would do.`,
      ),
    )
  if (host.split('.').some((label) => label.startsWith('xn--')))
    found.push(
      warning(
        line,
        'foreign_script',
        `${quoted(host)} is a name in another script: compare it letter by letter.`,
      ),
    )
  const normal = url.href
  if (normal !== text && url.hash === '')
    found.push(warning(line, 'not_normal', `${quoted(text)} is measured as ${quoted(normal)}: write it so.`))
  return found
}

function lintAgain(line: number, url: URL, seen: Map<string, number>): Finding[] {
  url.hash = ''
  const other = new URL(url)
  other.protocol = url.protocol === 'http:' ? 'https:' : 'http:'
  const before = seen.get(url.href)
  const pair = seen.get(other.href)
  if (before === undefined) seen.set(url.href, line)
  if (before !== undefined)
    return [error(line, 'duplicate', `The same URL stands in line ${before}: keep one of them.`)]
  return pair === undefined
    ? []
    : [
        warning(
          line,
          'scheme_pair',
          `Line ${pair} has the same with the other scheme: both are measured, and paid for.`,
        ),
      ]
}

function lintAside({ line, category_code: code, date_added: date, source }: ListRow): Finding[] {
  const found: Finding[] = []
  if (!categories.has(code))
    found.push(
      error(
        line,
        'unknown_category',
        `${quoted(code)} is no category: ${[...categories.keys()].join(', ')}.`,
      ),
    )
  else if (needsConsent(code))
    found.push(
      warning(
        line,
        'consent',
        `${code} is measured only where the host has agreed to it: elsewhere this row does nothing.`,
      ),
    )
  if (source.trim() === '')
    found.push(warning(line, 'no_source', 'Say in "source" who wants this measured, and why.'))
  if (date !== '' && !isDate(date))
    found.push(warning(line, 'bad_date', `${quoted(date)} is no date, such as 2026-11-28.`))
  return found
}

function isDate(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

function error(line: number, code: LintCode, words: string): Finding {
  return { line, code, level: 'error', words }
}

function warning(line: number, code: LintCode, words: string): Finding {
  return { line, code, level: 'warning', words }
}
