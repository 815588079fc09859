// Lines that are alike, written as what they share and what differs: batch.md, "Columns". Pure, and exact to the
// byte. A measurement of the same target an hour later has other times and little else that differs; packed this way,
// an unchanged result takes less than half of what brotli alone makes of it.

import { maxLines } from './lines.ts'

/** A document that does not follow batch.md, "Columns", or would unpack to more than the limit. */
export class ColumnsRefused extends Error {
  override readonly name = 'ColumnsRefused'
  readonly code: 'not_columns' | 'too_long' | 'too_many_lines'

  constructor(code: ColumnsRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Stands in a form in place of a word. */
const gap = '\t'
/**
 * A word that may differ: one with a digit in it. All words are found first, so that the time is linear in the length
 * of the text.
 */
const word = /[A-Za-z0-9+/=.\t]+/g
const mayDiffer = /[0-9\t]/

/** Lines that differ only in their words. */
interface Form {
  readonly index: number
  /** Words by their place in the line, then by line. */
  readonly columns: string[][]
}

/**
 * @param lines - Without the newline at their end, one character for each byte (latin1).
 * @returns The document, also with one character for each byte.
 */
export function toColumns(lines: Iterable<string>): string {
  const forms = new Map<string, Form>()
  const order: number[] = []
  for (const line of lines) {
    const words: string[] = []
    const text = line.replace(word, (found) => {
      if (!mayDiffer.test(found)) return found
      words.push(found)
      return gap
    })
    const form = forms.get(text) ?? { index: forms.size, columns: words.map(() => []) }
    forms.set(text, form)
    order.push(form.index)
    words.forEach((found, place) => void form.columns[place]?.push(found))
  }
  const columns = [...forms.values()].flatMap((form) => form.columns.map(writeColumn))
  return [String(forms.size), ...forms.keys(), order.join(','), ...columns, ''].join('\n')
}

/**
 * Rows of a document: forms and columns. Those of the largest batch that a probe seals are fewer than the words of its
 * lines, of which there are half a million.
 */
const maxRows = 1_000_000
/** Values of all columns that have one for each line. */
const maxListed = 2_000_000

/**
 * Everything is counted before it is made: a document of a few kilobytes, unpacked, may be nothing but line feeds.
 *
 * @param document - Its bytes.
 * @param mostBytes - Limit of the lines' bytes, their newlines included. Nothing longer is made.
 * @returns The bytes of the lines, each with its newline.
 * @throws {ColumnsRefused}
 */
export function fromColumns(document: Buffer, mostBytes: number): Buffer {
  const rows = new Rows(document)
  const forms = readForms(rows)
  const { sequence, lengths } = readOrder(rows, forms.length)
  const room = { values: maxListed }
  const columns = forms.map((form, index) =>
    form.slice(1).map(() => readColumn(rows.next(), lengths[index] ?? 0, room)),
  )
  if (!rows.isAtEnd) refuse('Something follows its columns')

  const lines = Buffer.alloc(mostBytes)
  const done = forms.map(() => 0)
  let at = 0
  const write = (text: string) => {
    if (at + text.length > mostBytes) throw tooLong(mostBytes)
    at += lines.write(text, at, 'latin1')
  }
  for (const index of sequence) {
    const [first = '', ...parts] = forms[index] ?? []
    const row = done[index] ?? 0
    done[index] = row + 1
    write(first)
    for (const [place, part] of parts.entries()) {
      write(valueAt(columns[index]?.[place], row))
      write(part)
    }
    write('\n')
  }
  return lines.subarray(0, at)
}

/** The rows of a document, read one by one. */
class Rows {
  readonly #document: Buffer
  #at = 0
  #read = 0

  constructor(document: Buffer) {
    this.#document = document
  }

  next(): string {
    const end = this.#document.indexOf(0x0a, this.#at)
    if (end === -1) refuse(`It ends at line ${this.#read + 1}`)
    if (++this.#read > maxRows) throw new ColumnsRefused('too_many_lines', `It has more than ${maxRows} rows`)
    const row = this.#document.toString('latin1', this.#at, end)
    this.#at = end + 1
    return row
  }

  get isAtEnd(): boolean {
    return this.#at === this.#document.length
  }
}

function readForms(rows: Rows): string[][] {
  const count = readCount(rows.next())
  if (count > maxLines) throw new ColumnsRefused('too_many_lines', `It has ${count} forms`)
  const room = { values: maxRows }
  return Array.from({ length: count }, () => {
    const form = rows.next()
    take(room, countOf(form, gap))
    return form.split(gap)
  })
}

/** @returns The form of each line, and how many lines each form has. */
function readOrder(rows: Rows, forms: number): { sequence: number[]; lengths: number[] } {
  const order = rows.next()
  if (countOf(order, ',') >= maxLines)
    throw new ColumnsRefused('too_many_lines', `It has more than ${maxLines} lines`)
  const sequence = order === '' ? [] : order.split(',').map(readCount)
  const lengths = Array.from({ length: forms }, () => 0)
  for (const index of sequence) {
    if (index >= forms) refuse(`It has no form ${index}`)
    lengths[index] = (lengths[index] ?? 0) + 1
  }
  return { sequence, lengths }
}

function countOf(text: string, mark: string): number {
  let count = 0
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) count++
  return count
}

function take(room: { values: number }, values: number): void {
  room.values -= values
  if (room.values < 0)
    throw new ColumnsRefused('too_many_lines', 'It has more values than a payload may have')
}

function tooLong(mostBytes: number): ColumnsRefused {
  return new ColumnsRefused('too_long', `It comes to more than ${mostBytes} bytes`)
}

function refuse(problem: string): never {
  throw new ColumnsRefused('not_columns', problem)
}

/** A column that was read back: one value for all lines, or one for each. */
type Column = string | readonly string[]

function valueAt(column: Column | undefined, row: number): string {
  if (typeof column === 'string') return column
  return column?.[row] ?? refuse('A column is too short')
}

function writeColumn(values: readonly string[]): string {
  const [first = ''] = values
  if (values.every((value) => value === first)) return `=${first}`
  const scale = Math.max(...values.map(decimalsOf))
  const numbers = values.map((value) => toScaled(value, scale))
  if (!numbers.every((each) => each !== null)) return `t${values.join(',')}`
  const differences = numbers.map((each, i) => each - (numbers[i - 1] ?? 0)).join(',')
  const plain = numbers.join(',')
  return differences.length < plain.length ? `d${scale}:${differences}` : `n${scale}:${plain}`
}

function readColumn(text: string, length: number, room: { values: number }): Column {
  const kind = text[0]
  if (kind !== '=') {
    const count = countOf(text, ',') + 1
    if (count !== length) refuse(`A column has ${count} values, not ${length}`)
    take(room, count)
  }
  const values = kind === '=' ? [text.slice(1)] : text.slice(kind === 't' ? 1 : 3).split(',')
  // This check also bounds the work: a line has at least one character for each word.
  if (values.includes('')) refuse('A column has an empty value')
  if (kind === '=') return text.slice(1)
  if (kind === 't') return values
  const scale = Number(text[1])
  if ((kind !== 'd' && kind !== 'n') || !Number.isInteger(scale) || text[2] !== ':')
    refuse(`It has no column of the kind "${text.slice(0, 3)}"`)
  let sum = 0
  return values.map((value) => {
    if (!/^-?\d{1,16}$/.test(value)) refuse(`"${value.slice(0, 20)}" is not a number`)
    sum = Number(value) + (kind === 'd' ? sum : 0)
    if (!Number.isSafeInteger(sum) || sum < 0) refuse('A number leaves its bounds')
    return fromScaled(sum, scale)
  })
}

function readCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) refuse(`"${text.slice(0, 20)}" is not a count`)
  return Number(text)
}

/** Number of digits behind the decimal point. */
function decimalsOf(value: string): number {
  const point = value.indexOf('.')
  return point === -1 ? 0 : value.length - point - 1
}

/** @returns The decimal times 10^scale; null unless that is exact and `fromScaled` gives the same text back. */
function toScaled(value: string, scale: number): number | null {
  if (scale > 9 || !/^\d{1,15}(\.\d+)?$/.test(value)) return null
  const scaled = Number(value.replace('.', '') + '0'.repeat(scale - decimalsOf(value)))
  return Number.isSafeInteger(scaled) && fromScaled(scaled, scale) === value ? scaled : null
}

/** Numbers as JSON writes them: without unnecessary zeros. */
function fromScaled(scaled: number, scale: number): string {
  const digits = String(scaled).padStart(scale + 1, '0')
  const decimals = digits.slice(digits.length - scale).replace(/0+$/, '')
  const whole = digits.slice(0, digits.length - scale)
  return scale === 0 ? digits : decimals === '' ? whole : `${whole}.${decimals}`
}
