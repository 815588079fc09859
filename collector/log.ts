// What the collector says of itself: one JSON object a line, each with a code from the list below. docs/configuration.md
// says what to do about each. No addresses of senders at any level: a seized log must not tell where the probes are.

import { pino } from 'pino'
import { safeFields } from '../tests-spec/command-line/safe-fields.ts'

/** Stable: operators alert on these. */
export const logCodes = {
  archive_read: 'Archive read',
  listening: 'Listening',
  stopping: 'Stopping',
  stopped: 'Stopped',
  probe_enrolled: 'Probe enrolled',
  probe_withdrawn: 'Host of a probe has withdrawn; nothing more is taken from it',
  batch_stored: 'Batch stored',
  sealed_taken: 'Sealed file taken',
  refused: 'Request refused',
  lists_published: 'Lists published',
  lists_renewed: 'Snapshot or timestamp of the lists signed anew',
  lists_not_renewed: 'Snapshot or timestamp of the lists could not be signed anew',
  lists_expire: 'Signatures of the holders of list keys end soon, or have ended',
  lists_unusable: 'Lists that were published cannot be read, or are of another root: none are served',
  helper_allows_private:
    'The test helper connects to private addresses, this machine among them, for whoever asks: laboratories only',
  payload_faulty: 'Batch is kept, not all of it can be read',
  boots_contradict: 'A probe has signed two orders of the same boots; none is believed',
  batch_suspected: 'The collector ended while it indexed this batch, which is tried again, alone',
  batch_set_aside: 'Batch is kept, and not indexed any more: it ended the collector, or failed, twice',
  probe_missing: 'Batches of a probe are held, and its enrolment record is gone: it is turned away',
  record_left_out: 'A record cannot be put into the form that was asked for',
  probe_damaged: 'Enrolment record cannot be read',
  archive_damaged: 'A batch file is no longer what was written',
  archive_contradicts: 'Two batches of the archive contradict each other',
  receipt_damaged: 'Receipt had rotted; another is signed',
  seq_conflict: 'One sequence number came with two contents: a cloned card, or a key in other hands',
  no_index: 'Index cannot be read; batches are still received',
  index_failed: 'Batch could not be indexed',
  disk_full: 'Request failed: the disk is full',
  disk_failing: 'Request failed: the disk does not give or take what it should',
  share_used_up: 'A probe has used up its share of the disk; nothing more is taken from it',
  internal: 'Request failed by a bug',
  http_trouble: 'The HTTP server complains',
} as const
export type LogCode = keyof typeof logCodes

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export type Log = Readonly<
  Record<LogLevel, (code: LogCode, fields?: Readonly<Record<string, unknown>>) => void>
>

/**
 * @param write - Gets each line, with its line end. Called at once: a line that was logged is out, also when the next one
 *   is the last.
 * @param now - Milliseconds since 1970, for the time of each line.
 */
export function openLog(write: (line: string) => void, now: () => number, level: LogLevel = 'info'): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  const say =
    (severity: LogLevel) =>
    (code: LogCode, fields: Readonly<Record<string, unknown>> = {}) =>
      logger[severity]({ code, ...safeFields(fields) }, logCodes[code])
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}
