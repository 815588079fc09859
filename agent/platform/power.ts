// What the machine says of its power. On a phone only Termux's own programs know it: their watchdog writes it to a file
// (deploy/termux/watchdog), which is read here again through a list of what may be in it, for anything could have been written there.
// No process is started for it.

import { readFileSync, statSync } from 'node:fs'

/** In the words of the phone's file; null where it is not known. */
export interface Power {
  readonly battery_percent: number | null
  readonly battery_celsius: number | null
  /** `UNPLUGGED`, or what it is plugged into. */
  readonly plugged: string | null
}

/** Milliseconds after which what was written is of no use: the watchdog writes every 15 minutes. */
const staleMs = 2 * 3_600_000

/**
 * @param path - Of the phone's file; null where the machine is none.
 * @param wallMs - The present, to see how old the file is.
 */
export function readPower(path: string | null, wallMs: number): Power {
  const said = path === null ? {} : phoneFileAt(path, wallMs)
  /** Whatever else stands there is dropped, and what is not of this form is unknown. */
  const number = (key: string) => {
    const value = said[key]
    return typeof value === 'number' && Math.abs(value) <= 100 ? value : null
  }
  const { plugged } = said
  return {
    battery_percent: number('battery_percent'),
    battery_celsius: number('battery_celsius'),
    plugged: typeof plugged === 'string' && /^[A-Z_]{1,24}$/.test(plugged) ? plugged : null,
  }
}

function phoneFileAt(path: string, wallMs: number): Readonly<Record<string, unknown>> {
  try {
    if (Math.abs(wallMs - statSync(path).mtimeMs) > staleMs) return {}
    return JSON.parse(readFileSync(path, 'utf8')) ?? {}
  } catch {
    return {}
  }
}
