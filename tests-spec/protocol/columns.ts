// Lines that are alike, written as what they share and what differs: batch.md, "Columns". Pure, and exact to the
// byte. A measurement of the same target an hour later has other times and little else that differs; packed this way,
// an unchanged result takes less than half of what brotli alone makes of it.

/** A document that does not follow batch.md, "Columns", or would unpack to more than the limit. */
export class ColumnsRefused extends Error {
  override readonly name = 'ColumnsRefused'
  readonly code: 'not_columns' | 'too_long'

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
 * @param mostBytes - Limit of the lines' bytes, their newlines included. Nothing longer is made.
 * @returns The lines, each with its newline.
 * @throws {ColumnsRefused}
 */
export function fromColumns(document: string, mostBytes: number): string {
  const rows = document.split('\n')
  let at = 0
  const next = () => rows[at++] ?? refuse(`It ends at line ${at}`)
  const forms = Array.from({ length: readCount(next()) }, () => next().split(gap))
  const order = next()
  const sequence = order === '' ? [] : order.split(',').map(readCount)
  const lengths = forms.map(() => 0)
  for (const index of sequence) {
    if (index >= forms.length) refuse(`It has no form ${index}`)
    lengths[index] = (lengths[index] ?? 0) + 1
  }
  const columns = forms.map((form, index) => form.slice(1).map(() => readColumn(next(), lengths[index] ?? 0)))
  if (next() !== '' || at !== rows.length) refuse('Something follows its columns')

  const done = forms.map(() => 0)
  const lines: string[] = []
  let bytes = 0
  for (const index of sequence) {
    const [first = '', ...parts] = forms[index] ?? []
    const row = done[index] ?? 0
    done[index] = row + 1
    let line = first
    parts.forEach((part, place) => {
      line += valueAt(columns[index]?.[place], row) + part
      if (bytes + line.length > mostBytes) throw tooLong(mostBytes)
    })
    bytes += line.length + 1
    if (bytes > mostBytes) throw tooLong(mostBytes)
    lines.push(line)
  }
  return lines.map((line) => `${line}\n`).join('')
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

function readColumn(text: string, length: number): Column {
  const kind = text[0]
  const values = kind === '=' ? [text.slice(1)] : text.slice(kind === 't' ? 1 : 3).split(',')
  // This check also bounds the work: a line has at least one character for each word.
  if (values.includes('')) refuse('A column has an empty value')
  if (kind === '=') return text.slice(1)
  if (values.length !== length) refuse(`A column has ${values.length} values, not ${length}`)
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
