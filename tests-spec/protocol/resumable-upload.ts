// How an upload that was cut off goes on where it stopped: the headers of draft-ietf-httpbis-resumable-upload-15. It
// is still a draft, so its words are kept in this file only. batch.md, "Interrupted uploads", says what they mean for
// a batch.

/** Names of the headers in lower case, as Node.js gives them. */
export const uploadHeaders = {
  /** Bytes that the collector holds; in a request, the offset at which its body belongs. */
  offset: 'upload-offset',
  /**
   * A structured boolean (RFC 9651 §3.3.6): whether the body, or the part that is held, reaches the end of the batch.
   */
  complete: 'upload-complete',
  limit: 'upload-limit',
} as const

export const partialUploadType = 'application/partial-upload'

/** Status of an interim answer that says how far the body has come. */
export const progressStatus = 104
/** Interim answers that one request gets at most: some HTTP libraries end a request that gets more than five. */
export const maxProgressAnswers = 5

/** A batch up to this many bytes is sent whole: a second round trip would cost more than an interruption does. */
export const wholeUpToBytes = 64 * 1024
/**
 * Bytes of a part of a larger batch. Parts of 64 KiB meant four times as many bytes sent again where flows die, and
 * parts of 16 KiB wait for round trips.
 */
export const chunkBytes = 32 * 1024

export const structuredBoolean = (value: boolean) => (value ? '?1' : '?0')

/** @returns null for anything that is not a structured boolean, absence included. */
export function readComplete(value: unknown): boolean | null {
  if (value === '?1') return true
  return value === '?0' ? false : null
}

/** @returns null for anything that is not a count of bytes, absence included. */
export function readOffset(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) return null
  return Number(value)
}
