// Lines of the log for a person: the time, how grave it is, the code to search for, what happened, and figures. On a
// narrow screen what does not fit stands below, and no line is wider than the terminal.

import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import { textWidth } from '../../tests-spec/command-line/text-width.ts'
import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import type { LogLine } from '../platform/log-lines.ts'

const colours: Readonly<Record<string, string>> = { warn: '33', error: '31' }

/** Characters of one figure; more would be a stranger's. */
const maxValue = 120

export interface LogLook {
  readonly columns: number
  readonly colour: boolean
}

/** A date when it is another than that of the line before. */
export function dayText({ timeMs }: LogLine, before: LogLine | null, { colour }: LogLook): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  if (before !== null && day(before.timeMs) === day(timeMs)) return ''
  return `${painted(`${day(timeMs)} UTC`, '1', colour)}\n`
}

export function logText(line: LogLine, { columns, colour }: LogLook): string {
  const level = safeText(line.level, 5).padEnd(5)
  const code = safeText(line.code, 24)
  const time = new Date(line.timeMs).toISOString().slice(11, 19)
  const head = `${time} ${level} ${code}`
  const said = safeText(line.message, 500)
  const figures = Object.entries(line.fields)
    .map(([name, value]) => `${safeText(name, 40)}=${valueText(value)}`)
    .join(' ')
  const drawn = `${painted(time, '2', colour)} ${painted(level, colours[line.level] ?? '2', colour)} ${painted(code, '1', colour)}`
  const whole = `${head} ${said}${figures === '' ? '' : `  ${figures}`}`
  if (textWidth(whole) <= columns)
    return `${drawn} ${said}${figures === '' ? '' : `  ${painted(figures, '2', colour)}`}\n`
  // Wide: the message goes on behind the head. Narrow: it stands below.
  const indent = columns >= 72 ? head.length + 1 : 2
  const below = [said, figures].filter((text) => text !== '').map((text) => broken(text, columns - indent))
  const rows = below.flatMap((text, at) =>
    text.split('\n').map((row) => (at === 1 || said === '' ? painted(row, '2', colour) : row)),
  )
  if (columns >= 72) return `${drawn} ${rows.join(`\n${' '.repeat(indent)}`)}\n`
  return `${[drawn, ...rows.map((row) => `  ${row}`)].join('\n')}\n`
}

function valueText(value: unknown): string {
  return safeText(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), maxValue)
}

/** A word that is longer than the line is cut into pieces. */
function broken(text: string, columns: number): string {
  const most = Math.max(8, columns)
  const pieces = text.split(' ').flatMap((word) => {
    if (textWidth(word) <= most) return [word]
    const characters = [...word]
    // No character is wider than two columns.
    const each = textWidth(word) > characters.length ? Math.floor(most / 2) : most
    return Array.from({ length: Math.ceil(characters.length / each) }, (_, at) =>
      characters.slice(at * each, (at + 1) * each).join(''),
    )
  })
  return wrapWords(pieces.join(' '), most)
}

function painted(text: string, style: string, colour: boolean): string {
  return colour ? `\u001b[${style}m${text}\u001b[0m` : text
}
