// What was given, as an error repeats it: in quotation marks, short enough to read, and without what a terminal obeys.

import { safeText } from './safe-text.ts'

/** More of it says nothing more to a person. */
const maxCharacters = 80

/** @returns `"abc"`, cut at 80 characters, with control characters escaped. */
export function quoted(text: string): string {
  return `"${shownText(text)}"`
}

/** As `quoted()`, without the marks. */
export function shownText(text: string): string {
  return safeText(text, maxCharacters)
}
