// Lines of JSON for the log: a level, a time, what is to be said, in this order. A library for it was a twentieth of the program
// (ADR 0022).

export const levels = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof levels)[number]

type Fields = Readonly<Record<string, unknown>>

export interface JsonLines extends Record<Level, (fields: Fields, message: string) => void> {
  /** The least grave that is written. */
  level: Level
  isLevelEnabled(level: Level): boolean
}

/**
 * @param write - Gets each line, with its line end.
 * @param now - Milliseconds since 1970.
 */
export function jsonLines(level: Level, write: (line: string) => void, now: () => number): JsonLines {
  const say = (each: Level) => (fields: Fields, message: string) => {
    if (!lines.isLevelEnabled(each)) return
    const time = new Date(now()).toISOString()
    write(`${JSON.stringify({ level: each, time, ...fields, message }, withoutBigInt)}\n`)
  }
  const lines: JsonLines = {
    level,
    isLevelEnabled: (each) => levels.indexOf(each) >= levels.indexOf(lines.level),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
  }
  return lines
}

/** What JSON cannot say would end the agent over a line of its log. */
const withoutBigInt = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
