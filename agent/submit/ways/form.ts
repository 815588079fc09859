// In which form a way takes bodies: how much of a batch in one request, in which packets, over which addresses. Pure.
// Nothing is known of a new way: a server on it may hand on nothing before it has all, the path may lose what fills a
// packet, a box may refuse. So the first part is small, and parts grow while they are answered.

import { chunkBytes, wholeUpToBytes } from '../../../tests-spec/protocol/resumable-upload.ts'

/** What one way has shown so far. It is kept across restarts. */
export interface Form {
  /** Most bytes of a batch in one request. */
  readonly partBytes: number
  /** Size beyond which parts do not grow, since a larger one was refused for its size or its time. */
  readonly capBytes: number
  /** Number of bodies for which that is still believed. */
  readonly capFor: number
  /** Number of bodies that are still sent in small packets; 0 while packets are as large as the link lets them. */
  readonly smallFor: number
  /** How many bodies are sent in small packets the next time that this is needed. */
  readonly smallNext: number
  /** Pause between two small packets, in milliseconds: the kernel would join what waits. */
  readonly pauseMs: number
  /** Whether a batch must come in one request, since what follows a first part is refused. */
  readonly wholeOnly: boolean
  /** Whether the collector has taken what follows a first part at least once. */
  readonly continues: boolean
  /** Number of such requests in a row on which somebody hung up before anything of them arrived. */
  readonly cutOff: number
  /** Speed of the way, in bytes per millisecond; null while no body was taken. */
  readonly bytesPerMs: number | null
  /** The only addresses that are used, where those of the other kind connect and then say nothing; null for all. */
  readonly family: 4 | 6 | null
  /** Whether sealed files go in one request, since parts of them were answered wrongly and a whole one was taken. */
  readonly sealedWhole: boolean
  /** Number of batches for which the question for a receipt is left out, since something on the way keeps it back. */
  readonly unaskedFor: number
  /** Whether TLS begins with a message that fits one packet, at the price of the newest key exchanges. */
  readonly shortHello: boolean
}

/** An envelope has 1.5 kB. What is lost of this is a fifteenth of a batch. */
const firstPartBytes = 4 * 1024
const leastPartBytes = 1024
/** Ten packets may be under way at first (RFC 6928); what waits behind them, the kernel joins to larger ones. */
const mostSmallPartBytes = 8 * 1024
/** Bytes of a small packet: with TLS and the headers of TCP and IPv6 it stays below the 1,280 that every path carries. */
export const smallPacketBytes = 1_000
/** Bytes of a body that go into one packet with the headers of its request. */
export const besideHeadersBytes = 600
const firstPauseMs = 200
const leastPauseMs = 10
const mostSmallNext = 1_024
const capBelievedFor = 256
const idleBelievedFor = 16
const unaskedBelievedFor = 64
/** What is assumed of a way on which no body was taken: 16 kbit/s. */
const assumedBytesPerMs = 2
const leastBytesPerMs = 0.25

export const unknownForm: Form = {
  partBytes: firstPartBytes,
  capBytes: wholeUpToBytes,
  capFor: 0,
  smallFor: 0,
  smallNext: 16,
  pauseMs: firstPauseMs,
  wholeOnly: false,
  continues: false,
  cutOff: 0,
  bytesPerMs: null,
  family: null,
  sealedWhole: false,
  unaskedFor: 0,
  shortHello: false,
}

/**
 * @param held - Bytes of the batch that the collector has.
 * @param envelopeBytes - Where the envelope ends: the first part must hold it.
 * @returns Where the next part ends.
 */
export function partEnd(form: Form, batchBytes: number, held: number, envelopeBytes: number): number {
  if (form.wholeOnly && held === 0) return batchBytes
  // Many boxes know one request for a thing and no second: little is given to find out.
  const known = held > 0 && !form.continues ? Math.min(form.partBytes, firstPartBytes) : form.partBytes
  const limit = form.smallFor > 0 ? Math.min(known, mostSmallPartBytes) : known
  const most = batchBytes > wholeUpToBytes ? Math.min(limit, chunkBytes) : limit
  return Math.min(batchBytes, Math.max(held + most, envelopeBytes))
}

/**
 * For the first part that is given to something that did not answer a question as a collector does: a portal, or a box that
 * lets bodies through.
 */
export function waryForm(form: Form): Form {
  return { ...form, wholeOnly: false, partBytes: leastPartBytes }
}

/**
 * What became of the question for a receipt. `needless`: it was not answered as a collector does, and then a body was
 * taken.
 */
export type QuestionOutcome = 'answered' | 'unanswered' | 'needless' | 'spared'

export function afterQuestionFor(form: Form, outcome: QuestionOutcome): Form {
  switch (outcome) {
    case 'answered':
      return { ...form, unaskedFor: 0 }
    case 'unanswered':
      return { ...form, unaskedFor: Math.max(1, form.unaskedFor) }
    case 'needless':
      return { ...form, unaskedFor: unaskedBelievedFor }
    case 'spared':
      return { ...form, unaskedFor: Math.max(0, form.unaskedFor - 1) }
    default:
      return outcome satisfies never
  }
}

export function speedOf({ bytesPerMs }: Form): number {
  return bytesPerMs ?? assumedBytesPerMs
}

/** A body that a collector has answered. */
export interface TakenBody {
  readonly bytes: number
  /** Whether it was not the beginning of its batch. */
  readonly continued: boolean
  readonly tookMs: number
  /** Whether interim answers told how far it had come: nothing between holds it back then. */
  readonly confirmed: boolean
}

export function afterTaken(before: Form, { bytes, tookMs, confirmed, continued }: TakenBody): Form {
  const capFor = Math.max(0, before.capFor - 1)
  const capBytes = capFor === 0 ? wholeUpToBytes : before.capBytes
  const cutOff = continued ? 0 : before.cutOff
  const form = { ...before, capFor, capBytes, cutOff, continues: continued || before.continues }
  const speed = bytes / Math.max(1, tookMs)
  const bytesPerMs = round(Math.max(leastBytesPerMs, speed, (form.bytesPerMs ?? 0) * 0.7))
  if (form.smallFor > 0) {
    const smallFor = form.smallFor - 1
    const grown = Math.min(mostSmallPartBytes, form.partBytes * 2)
    const partBytes = smallFor === 0 ? firstPartBytes : grown
    return { ...form, bytesPerMs, smallFor, partBytes, pauseMs: Math.max(leastPauseMs, form.pauseMs / 2) }
  }
  // A body below the limit says nothing of the limit.
  const tried = bytes >= form.partBytes * 0.9
  // Twice at most: what a box refuses for its size is no more than what has gone through already.
  const unconfirmed = tookMs <= 2_000 ? 2 : tookMs <= 8_000 ? 1 : 0.5
  const partBytes = tried ? form.partBytes * (confirmed ? 4 : unconfirmed) : form.partBytes
  return { ...form, bytesPerMs, partBytes: within(Math.min(capBytes, partBytes)) }
}

/** A body that did not get through whole, though questions are answered on this way. */
export interface StuckBody {
  readonly bytes: number
  /** Whether something of it arrived. */
  readonly arrived: boolean
  /** Whether it was not the beginning of its batch. */
  readonly continued: boolean
  /** Whether the line went silent, and was not closed by anyone. */
  readonly silent: boolean
  /** Whether a connection ended as the body began: its time may have been over, or a refusal was lost with it. */
  readonly isIdle: boolean
}

/**
 * Where nothing of a body arrives and questions do, the path may lose full packets: the next ones are small. Where
 * something arrived, the line is bad, and less of it is risked at once.
 */
export function afterStuck(form: Form, { bytes, arrived, continued, silent, isIdle }: StuckBody): Form {
  const slower = {
    ...form,
    wholeOnly: false,
    bytesPerMs: form.bytesPerMs === null ? null : round(Math.max(leastBytesPerMs, form.bytesPerMs / 2)),
  }
  if (arrived) return { ...slower, partBytes: within(Math.min(form.partBytes, bytes) / 2) }
  // Less, and for some bodies not more than half of it again.
  const capped = { ...slower, capBytes: within(bytes / 2), capFor: Math.max(form.capFor, idleBelievedFor) }
  if (isIdle) return { ...capped, partBytes: within(Math.min(form.partBytes, bytes) / 2) }
  if (!silent && continued) {
    const cutOff = form.cutOff + 1
    // Once may be a line that broke; twice at the same place is somebody's rule.
    return {
      ...slower,
      cutOff,
      partBytes: within(Math.min(form.partBytes, bytes) / 2),
      wholeOnly: cutOff > 1,
    }
  }
  if (!silent) return { ...capped, partBytes: within(Math.min(form.partBytes, bytes) / 4) }
  const small = { ...slower, partBytes: leastPartBytes, pauseMs: firstPauseMs }
  if (form.smallFor > 0) return { ...small, smallFor: form.smallFor }
  return { ...small, smallFor: form.smallNext, smallNext: Math.min(mostSmallNext, form.smallNext * 4) }
}

/** A body that somebody refused who is no collector, or that did not reach the collector as it was sent. */
export interface RefusedBody {
  readonly bytes: number
  readonly status: number
  readonly continued: boolean
  /** Whether the collector has taken a body on this way in the same attempt. */
  readonly heard?: boolean
  /** Whether the collector had another body than the one that was sent. */
  readonly spoiled?: boolean
}

/** These say that a body was too large, or took too long. */
const tooMuch: ReadonlySet<number> = new Set([408, 413, 504])

const isAway: ReadonlySet<number> = new Set([502, 503])

/** Where smaller bodies were taken just before, a page in place of an answer or a failure of the server is about the size. */
function isOfSize({ bytes, status, heard = false, spoiled = false }: RefusedBody): boolean {
  return (
    heard && !spoiled && bytes > firstPartBytes && (status === 200 || status === 500 || isAway.has(status))
  )
}

export function afterRefused(form: Form, refused: RefusedBody): Form {
  const { bytes, status, continued } = refused
  if (isOfSize(refused)) {
    const half = within(Math.max(bytes / 2, firstPartBytes))
    const capFor = isAway.has(status) ? idleBelievedFor : capBelievedFor
    return { ...form, wholeOnly: false, partBytes: Math.min(form.partBytes, half), capBytes: half, capFor }
  }
  // What looks into bodies leaves many small ones alone.
  if (refused.spoiled === true && !continued && bytes > firstPartBytes) {
    const small = { partBytes: firstPartBytes, capBytes: firstPartBytes, capFor: capBelievedFor }
    return { ...form, ...small, wholeOnly: false }
  }
  // What stands behind such a server is away, whatever the form.
  if (isAway.has(status)) return form
  if (!tooMuch.has(status) && !form.wholeOnly) {
    return continued || bytes >= form.partBytes * 0.9 ? { ...form, wholeOnly: true } : form
  }
  const partBytes = within(Math.min(form.partBytes, bytes / 4))
  if (!tooMuch.has(status)) return { ...form, wholeOnly: false, partBytes }
  return { ...form, wholeOnly: false, partBytes, capBytes: within(bytes / 2), capFor: capBelievedFor }
}

/** After an attempt that failed: little is risked until it is known that something gets through again. */
export function afterFailure(form: Form): Form {
  return { ...form, partBytes: Math.min(form.partBytes, firstPartBytes) }
}

/** After a connection that came about and on which no byte was heard: another kind of address, and a shorter hello. */
export function afterMute(form: Form, family: 4 | 6 | null): Form {
  const other = family === null ? null : family === 4 ? 6 : 4
  return { ...form, family: form.family === null ? other : null, shortHello: !form.shortHello }
}

function within(bytes: number): number {
  return Math.max(leastPartBytes, Math.min(wholeUpToBytes, Math.floor(bytes)))
}

/** To two digits: what is kept on the disk should not change with every exchange. */
function round(value: number): number {
  return Number(value.toPrecision(2))
}
