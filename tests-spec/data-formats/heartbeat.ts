// What a probe says of itself with each batch: heartbeat.md is the page. Pure.

import * as v from 'valibot'

/** Of its JSON in UTF-8. */
export const maxHeartbeatBytes = 300

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** A newer probe may have words that are not known here yet. */
const word = v.pipe(v.string(), v.regex(/^[a-z_]{1,20}$/))

export const heartbeat = v.looseObject({
  v: v.literal(1),
  /** Seconds since the agent started. */
  upS: count,
  /** How often the machine, and the agent, have started since the state folder was made. */
  boots: count,
  starts: count,
  /** How the run before this one ended. */
  ended: word,
  /** State of the link when the present cycle ended, or the one before. */
  link: word,
  /** Megabytes of memory that the process has. */
  rssMb: count,
  /** Megabytes that are free where the state folder is; null when that cannot be told. */
  freeMb: v.nullable(count),
  /** Seconds since the oldest record was made that waits on the device; null when none does. */
  oldestS: v.nullable(count),
  /** There when the disk takes nothing. */
  memoryOnly: v.optional(v.boolean()),
  /** The next four are absent where the system does not tell. Percent. */
  battery: v.optional(v.pipe(count, v.maxValue(100))),
  plugged: v.optional(v.boolean()),
  /** Degrees Celsius of the warmest part. */
  tempC: v.optional(v.pipe(v.number(), v.safeInteger())),
  undervoltage: v.optional(v.boolean()),
  /** The last warnings and errors of the log, each once, the newest last. */
  codes: v.pipe(v.array(v.pipe(v.string(), v.regex(/^S\d{4}$/))), v.maxLength(8)),
})
export type Heartbeat = v.InferOutput<typeof heartbeat>

/** @returns null where there is none that can be read: no batch is refused for what it says of its probe. */
export function readHeartbeat(said: unknown): Heartbeat | null {
  const parsed = v.safeParse(heartbeat, said)
  return parsed.success && JSON.stringify(parsed.output).length <= 2 * maxHeartbeatBytes
    ? parsed.output
    : null
}
