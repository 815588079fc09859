// The fields of a line in a log: short, of bounded depth, and without what a reader's terminal would obey. Pure.

import { safeText } from './safe-text.ts'

/** Characters of one text in a line, members of one list or object, and how deep they are looked into. */
const maxChars = 500
const maxMembers = 20
const maxDepth = 4

/** Anything in a line may be the words of a stranger: file names, sentences of a manifest that does not fit. */
export function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [safeText(name, 80), safeValue(value, maxDepth)]),
  )
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return safeText(value, maxChars)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return safeError(value, depth)
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.slice(0, maxMembers).map((each) => safeValue(each, depth - 1))
  const members = Object.entries(value).slice(0, maxMembers)
  return Object.fromEntries(members.map(([name, each]) => [safeText(name, 80), safeValue(each, depth - 1)]))
}

/** As pino writes an error under `err`, with its code and what it came from. */
function safeError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack = '', cause } = error
  return {
    type: safeText(name, 80),
    message: safeText(message, maxChars),
    stack: safeText(stack, 4 * maxChars),
    ...('code' in error && { code: safeValue(error.code, 0) }),
    ...('errcode' in error && { errcode: safeValue(error.errcode, 0) }),
    ...(cause !== undefined && depth > 0 && { cause: safeValue(cause, depth - 1) }),
  }
}
