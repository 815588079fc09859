// A URL of the web, as test lists and nettests take it. It is the name of what was measured, and so has one spelling: in a list
// another is refused, and on a command line put right.

import * as v from 'valibot'

export const httpUrl = v.pipe(
  v.string(),
  v.url(),
  v.regex(/^https?:\/\/[^/]/, 'expected http:// or https://, in small letters'),
  v.check(
    (text) => oddityOf(text) === null,
    (issue) => oddityOf(issue.input) ?? '',
  ),
)

/** @returns What is wrong, as what was expected; null where it can be measured. */
export function whyNoHttpUrl(text: string): string | null {
  return isOfTheWeb(text) ? oddityOf(text) : 'expected a URL such as https://example.org/'
}

/** As a person means it: without blanks around it, scheme and host in small letters. */
export function tidyHttpUrl(text: string): string {
  return text.trim().replace(authority, (written) => written.toLowerCase())
}

const authority = /^[a-z]+:\/\/[^/?#]*/i

function isOfTheWeb(text: string): boolean {
  return /^https?:\/\/[^/]/i.test(text) && URL.canParse(text)
}

/** Of one that the library takes. */
function oddityOf(text: string): string | null {
  if (!isOfTheWeb(text)) return null
  if (/[\s\p{Cc}\\]/u.test(text)) return 'expected a URL without blanks, control characters and backslashes'
  const { username, password } = new URL(text)
  if (username + password !== '') return 'expected a URL without user and password'
  return tidyHttpUrl(text) === text ? null : 'expected scheme and host in small letters'
}
