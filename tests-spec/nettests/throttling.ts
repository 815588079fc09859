// Whether a page came so slowly that the network may have held it back. web-connectivity.md, "Throttling", is the page.
// Pure. A slow server looks the same from here, so what is concluded never goes beyond what was compared.

import * as v from 'valibot'
import type { HttpRequest, Observations } from '../data-formats/observation.ts'

/** The tag of the transfer from a neutral site that follows a slow one. */
export const transferControlTag = 'followup=transfer_control'

/** The finding, as a verdict's `how`. */
export const throttlingSuspected = 'throttling_suspected'

/** Options of `web_connectivity` in a test list. */
export const webConnectivityOptions = v.strictObject({
  /** Bytes of body to fetch, behind TLS too. Less than 32 kB tells nothing of speed; absent, none is fetched there. */
  body_bytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(32_768), v.maxValue(1_048_576))),
})

/** One body that came. */
export interface Transfer {
  readonly bytes: number
  /** From the head of the response to the last byte. */
  readonly seconds: number
  /** What the connect took: one round trip; null when it is not known. */
  readonly roundTripSeconds: number | null
  readonly transactionId: number
}

/** With fewer a transfer is over before anybody's bucket is empty, and round trips are all that is measured. */
const leastBytes = 32_000
/** A second is what a busy radio cell adds; a bucket of 256 kbit/s lets 64 kB through in two. */
const leastSeconds = 2
/** How much faster somebody else must be. Less is what distance and load make. */
const ratio = 4
/** Segments of 1,460 bytes that a server sends at first (RFC 6928), doubled every round trip. */
const firstWindowBytes = 14_600

/** @returns null when the body is too small to say anything, or none came. */
export function transferIn(request: HttpRequest | undefined, { tcp_connect }: Observations): Transfer | null {
  const { x_sonde_body_length: bytes, x_sonde_body_seconds: seconds } = request?.response ?? {}
  if (request === undefined || bytes === undefined || seconds === undefined || bytes < leastBytes) return null
  const connect = tcp_connect.find((each) => each.transaction_id === request.transaction_id)
  const roundTripSeconds = connect === undefined ? null : connect.t - connect.t0
  return { bytes, seconds, roundTripSeconds, transactionId: request.transaction_id }
}

/** Whether a transfer took long beyond what distance explains: worth comparing, and no more than that. */
export function isSlow({ bytes, seconds, roundTripSeconds }: Transfer): boolean {
  const rounds = Math.ceil(Math.log2(bytes / firstWindowBytes + 1))
  // Twice the slow start of TCP: one loss early on costs as much again.
  return seconds >= leastSeconds && seconds >= 2 * rounds * (roundTripSeconds ?? 0)
}

const transfer = { bytes: v.number(), seconds: v.number() }
const other = v.object({ ...transfer, faster: v.boolean() })
/** What was compared, as it goes into test_keys. */
export const throttling = v.object({
  ...transfer,
  /** A neutral site over the same link right after; null when none was asked, or too little came. */
  control: v.nullable(other),
  /** What the helper took for the same page; null when it does not say, or too little came. */
  outside: v.nullable(other),
})
export interface Throttling extends v.InferOutput<typeof throttling> {
  readonly transactionIds: readonly number[]
}

interface Page {
  readonly body_length: number
  readonly x_sonde_body_seconds?: number | undefined
}

/**
 * @param own - Without the transfer from a neutral site, the last response first.
 * @param all - With it.
 * @param outside - The helper's page; null without one.
 * @returns null when nothing was slow.
 */
export function throttlingIn(own: Observations, all: Observations, outside: Page | null): Throttling | null {
  const target = transferIn(own.requests[0], own)
  if (target === null || own.requests[0]?.failure !== null || !isSlow(target)) return null
  const neutral = transferIn(
    all.requests.find((each) => each.failure === null && each.tags.includes(transferControlTag)),
    all,
  )
  const { body_length: bytes = 0, x_sonde_body_seconds: seconds } = outside ?? {}
  return {
    bytes: target.bytes,
    seconds: target.seconds,
    control: neutral && compared(target, neutral),
    outside: seconds === undefined || bytes < leastBytes ? null : compared(target, { bytes, seconds }),
    transactionIds: [target, ...(neutral === null ? [] : [neutral])].map((each) => each.transactionId),
  }
}

function compared(target: Transfer, { bytes, seconds }: Pick<Transfer, 'bytes' | 'seconds'>) {
  return { bytes, seconds, faster: bytes * target.seconds >= ratio * target.bytes * seconds }
}
