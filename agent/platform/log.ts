// What the agent says of itself: NDJSON with stable codes into the ring, readable lines to the person at the
// terminal. No line has host names, addresses or network names, at any level: a seized log must not tell what was
// measured.

import { safeFields } from '../../tests-spec/command-line/safe-fields.ts'
import { jsonLines } from './json-lines.ts'
import type { LogRing } from './log-ring.ts'

/** These codes are stable: operators search for them, and translations are looked up by them. */
export const logCodes = {
  S1001: 'Agent started',
  S1002: 'Agent stopped',
  S1003: 'State folder was in use by an agent that is gone; taken over',
  S1101: 'Other commands cannot reach this agent; stop it before exporting to a stick',
  S1301: 'Host has not agreed: nothing is measured or sent until they do',
  S1302: 'Paused by the host: nothing is measured or sent',
  S1303: 'Host has agreed, or ended the pause: measuring goes on',
  S1401: 'Battery low or hot',
  S1402: 'Battery recovered',
  S2001: 'Measured',
  S2002: 'Cycle finished',
  S2003: 'Cycle skipped: the one before still runs',
  S2004: 'Targets flap: they are looked at more rarely than after a change',
  S2101: 'Link is up',
  S2102: 'Link is down: failures are not called blocked until a control answers',
  S2103: 'Link answers with a captive portal: nothing is called blocked until the controls answer',
  S2104: 'Link is degraded: failures are left undetermined',
  S2105: 'Provider answers in place of everyone: the data bundle seems used up',
  S2106: 'Only the site of the provider answers',
  S2107: 'Link is not known: this machine could not ask the controls, or the list has none',
  S2108: 'No interface has the local_address of the configuration: nothing can be asked until one does',
  S2901: 'A nettest failed by a bug of its own; the cycle goes on',
  S3001: 'Spool opened',
  S3002: 'Spool writes again; what waited in memory is on the disk',
  S3101: 'Records are lost; the next batch names them',
  S3102: 'Sealed batches are gone or damaged; the next batch names their records as lost',
  S3103: 'A new epoch of batches begins',
  S3104: 'Records of an earlier epoch are taken over',
  S3105: 'Records were given up for room; the next batch names them',
  S3106: 'File system is full; the room held in reserve is given back',
  S3107: 'A batch whose sealing was interrupted is kept',
  S3108: 'The disk takes nothing; results leave from memory, in an epoch of their own',
  S3109: 'Batches of another device key are kept until that key is back',
  S3110: 'File system cannot be told to keep the names of files; a power cut may cost the newest ones',
  S3901: 'Spool cannot write; measurements are kept in memory, and written when the disk takes them',
  S3902: 'Spool could not take a measurement; it is lost',
  S3903: 'State folder cannot be written; memory and status are kept in memory',
  S3904:
    'State folder is another one than at the start: was it mounted meanwhile? The agent ends, to begin anew in it',
  S3905: 'State folder cannot be used yet; measurements are kept in memory until it can',
  S3906: 'State folder is there; what was measured meanwhile is taken over',
  S3907:
    'State folder cannot be used yet, and with it what the host agreed to: nothing is measured until it can',
  S3908: 'A part of the spool cannot be read; what is in it is not known, and stays',
  S4001: 'Batches uploaded',
  S4101: 'Upload put off; it is tried again by itself',
  S4201: 'Sealed files of other probes brought to the collector',
  S4202: 'A sealed file of another probe was put off; it is tried again after the next cycle',
  S4901: 'Collector refused a batch; it is kept aside',
  S5101: 'Device is not enrolled; measurements stay on it',
  S5102: 'Enrolment is damaged or cannot be read; results stay here until the device is enrolled again',
  S5103: 'Enrolment is of another device key; results stay here until the device is enrolled again',
  S5104: 'Device key is damaged or cannot be read; results are kept, and nothing is sent until it can be',
  S6101: 'Clock stands before a time that is past for certain; measurements are dated later',
  S6102: 'Machine slept; measurements in flight are not trusted for timing',
  S6103: 'Clock was set; measurements in flight are marked',
  S6104: 'A receipt told how wrong the clock is',
  S6105: 'Clock was set by the network to a time that the collector contradicts; it is not believed',
  S6901: 'Time could not be kept for the next start, which learns it from receipts',
  S7001: 'A signed list is in force from the next cycle on',
  S7002: 'A signed list was withdrawn',
  S7101: 'Signed lists were refused; the last good ones go on',
  S7102: 'A list is set aside, and the one before it, or that of the build, is measured',
  S7103: 'What vouches for a list has expired; it is measured all the same, and marked as stale',
  S7104: 'Entries of a list of a group are left out; the others are measured',
  S7201: 'An order of the operators was looked at; the next batch answers',
  S7202: 'Orders cannot be kept, and none is carried out until they can',
  S7901: 'What is known of signed lists cannot be written; this process goes on with it',
} as const
export type LogCode = keyof typeof logCodes

export interface Log {
  info(code: LogCode, fields?: Readonly<Record<string, unknown>>): void
  warn(code: LogCode, fields?: Readonly<Record<string, unknown>>): void
  error(code: LogCode, fields?: Readonly<Record<string, unknown>>): void
}

export interface KeptLog extends Log {
  /** The codes of the last warnings and errors, each once, the newest last. */
  recent(): readonly LogCode[]
  /** Logged only while an order asks for it. */
  debug(code: LogCode, fields: Readonly<Record<string, unknown>>): void
  /** @param untilMs - Until when what is of level `debug` is logged, in milliseconds since 1970; 0 for not. */
  wholeUntil(untilMs: number): void
}

/** More than a heartbeat has room for. */
const maxRecent = 8

/**
 * @param terminal - Gets one readable line per message; null when there is no terminal.
 * @param now - Clock for the time of each line.
 */
export function openLog(
  ring: LogRing,
  terminal: ((line: string) => void) | null,
  now: () => number,
  level: 'info' | 'warn' | 'error' = 'info',
): KeptLog {
  const logger = jsonLines(level, (line) => ring.write(line), now)
  let recent: readonly LogCode[] = []
  let wholeUntilMs = 0
  const say =
    (severity: 'info' | 'warn' | 'error') =>
    (code: LogCode, fields: Readonly<Record<string, unknown>> = {}) => {
      if (severity !== 'info') recent = [...recent.filter((each) => each !== code), code].slice(-maxRecent)
      const safe = safeFields(fields)
      logger[severity]({ code, ...safe }, logCodes[code])
      if (terminal !== null && logger.isLevelEnabled(severity))
        terminal(readable(now(), severity, code, safe))
    }
  return {
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    recent: () => recent,
    debug(code, fields) {
      if (now() >= wholeUntilMs) return
      logger.level = 'debug'
      logger.debug({ code, ...safeFields(fields) }, logCodes[code])
      logger.level = level
    },
    wholeUntil(untilMs) {
      wholeUntilMs = untilMs
    },
  }
}

/** `14:03:07  warn  S4101  Upload put off  (reason=unreachable)` */
function readable(
  at: number,
  severity: string,
  code: LogCode,
  fields: Readonly<Record<string, unknown>>,
): string {
  const time = new Date(at).toISOString().slice(11, 19)
  const extra = Object.entries(fields).map(([key, value]) => `${key}=${String(value)}`)
  const tail = extra.length === 0 ? '' : `  (${extra.join(' ')})`
  return `${time}  ${severity.padEnd(5)}  ${code}  ${logCodes[code]}${tail}`
}
