// A replay's account for a terminal, narrow or wide. Pure.

import type { Account } from './account.ts'
import { collapsed } from './tables.ts'
import {
  columnSentence,
  detectionsExplained,
  detectionTable,
  method,
  type TableText,
  urlTable,
  whatsappTable,
} from './words.ts'

/** @param columns - Of the terminal; 40 is enough. */
export function accountText(account: Account, columns: number): string {
  const { evening, chapters, requirements } = account
  const paragraph = (text: string) => wrapped(text, columns, '')
  const chapter = (each: Account['chapters'][number]) => [
    underlined(each.title, columns),
    tableText(whatsappTable(collapsed(each.whatsapp)), columns),
    tableText(urlTable(collapsed(each.urls)), columns),
  ]
  const blocks = [
    underlined(evening.title, columns),
    ...chapters.flatMap(chapter),
    underlined('When each change was known, on AS30985', columns),
    paragraph(detectionsExplained),
    tableText(detectionTable(account), columns),
    ...account.columns.map((each) => paragraph(columnSentence(each))),
    underlined('How this was made', columns),
    ...method(account).map(paragraph),
    underlined('What was required', columns),
    requirements.map(({ sentence, faults }) => requirementText(sentence, faults, columns)).join('\n'),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function requirementText(sentence: string, faults: readonly string[], columns: number): string {
  const head = wrapped(`${faults.length === 0 ? 'yes' : 'NO '}  ${sentence}`, columns, '     ')
  return [head, ...faults.map((fault) => wrapped(`     - ${fault}`, columns, '       '))].join('\n')
}

/** In columns where they fit; else each row as lines of its own, which a narrow terminal can show. */
export function tableText({ head, rows }: TableText, columns: number): string {
  if (rows.length === 0) return ''
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const whole = widths.reduce((sum, each) => sum + each, 2 * (widths.length - 1))
  if (whole <= columns)
    return [line(head), line(widths.map((each) => '-'.repeat(each))), ...rows.map(line)].join('\n')
  return rows
    .map(([first = '', ...cells]) =>
      [
        wrapped(first, columns, '  '),
        ...cells.map((cell, index) => wrapped(`  ${head[index + 1]}: ${cell}`, columns, '    ')),
      ].join('\n'),
    )
    .join('\n')
}

function underlined(title: string, columns: number): string {
  const lines = wrapped(title, columns, '')
  const longest = Math.max(...lines.split('\n').map(({ length }) => length))
  return `${lines}\n${'='.repeat(longest)}`
}

/** Breaks at blanks; a word that is longer than a line is broken too, since an address must be readable. */
export function wrapped(text: string, columns: number, indent: string): string {
  const lines: string[] = []
  let line = /^ */.exec(text)?.[0] ?? ''
  let empty = true
  for (let word of text.trim().split(/(?<= )(?=\S)/)) {
    while (word !== '') {
      const room = columns - line.length
      if (word.trimEnd().length <= room) {
        line += word
        word = ''
        empty = false
      } else if (empty) {
        lines.push(line + word.slice(0, room))
        word = word.slice(room)
        line = indent
      } else {
        lines.push(line.trimEnd())
        line = indent
        empty = true
      }
    }
  }
  lines.push(line.trimEnd())
  return lines.join('\n')
}
