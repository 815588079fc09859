// The public halves of a collector's two online keys as one word, for the one who makes the root of trust: `sonde-lists1-`, the
// key of snapshot and that of timestamp in hex, and the first 8 letters of the SHA-256 of all before them.

import { createHash } from 'node:crypto'

const shape = /^sonde-lists1-([0-9a-f]{64})-([0-9a-f]{64})-([0-9a-f]{8})$/

export interface OnlinePublicKeys {
  /** 32 bytes in hex. */
  readonly snapshot: string
  readonly timestamp: string
}

export function onlineKeysWord({ snapshot, timestamp }: OnlinePublicKeys): string {
  const text = `sonde-lists1-${snapshot}-${timestamp}`
  return `${text}-${checkOf(text)}`
}

/** @returns null for what is none, or was not copied whole. */
export function readOnlineKeys(word: string): OnlinePublicKeys | null {
  const [, snapshot = '', timestamp = '', check] = shape.exec(word) ?? []
  const isWhole = check !== undefined && check === checkOf(`sonde-lists1-${snapshot}-${timestamp}`)
  return isWhole ? { snapshot, timestamp } : null
}

function checkOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
