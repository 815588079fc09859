// Sentences on a narrow screen: broken between words, where a terminal would break them anywhere.

import { textWidth } from './text-width.ts'

/** @returns `text` in lines of at most `columns`; a word that is longer stays whole. Line ends in `text` stay. */
export function wrapWords(text: string, columns: number): string {
  return text.split('\n').map(wrapLine).join('\n')

  function wrapLine(line: string): string {
    const lines: string[] = []
    for (const word of line.split(' ')) {
      const last = lines.at(-1)
      if (last === undefined || textWidth(last) + 1 + textWidth(word) > columns) lines.push(word)
      else lines[lines.length - 1] = `${last} ${word}`
    }
    return lines.join('\n')
  }
}
