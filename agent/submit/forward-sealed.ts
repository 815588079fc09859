// Brings sealed files of other probes to the collector: tests-spec/protocol/sealed.md, "Exchange". Their content is
// unknown here, and so is what became of it, apart from the collector's signed word that the file arrived.

import { type Manner, type OfferedSealed, offerSealed } from './offer-sealed.ts'
import type { Uplink } from './ways/uplink.ts'
import type { Way } from './ways/way.ts'
import { wayOf } from './ways/way-knowledge.ts'

/** The part of a store of carried files that forwarding needs. */
export interface CarriedFiles {
  /** Digests of the files, in the order in which they should go. */
  waiting(): string[]
  read(sha256: string): Promise<Buffer | null>
  brought(sha256: string, answer: readonly Uint8Array[]): Promise<void>
  refused(sha256: string): void
}

export interface Forwarding {
  readonly brought: number
  /** Number of files that the collector refused. They are not offered again for now. */
  readonly refused: number
  /** Bytes that the link carried. */
  readonly sent: number
  readonly received: number
  /** Why a file still waits; null when none does. */
  readonly reason: string | null
}

/** Connections for one file on one way, as long as each brings something across. */
const mostLines = 32

/**
 * Offers the files that wait over the ways that open, one after the other; what one way does not take goes over the
 * next. Relays are not used: they take batches only.
 */
export async function forwardSealed(
  files: CarriedFiles,
  uplink: Uplink,
  signal: AbortSignal,
): Promise<Forwarding> {
  const tally = { brought: 0, refused: 0 }
  if (files.waiting().length === 0) return { ...tally, sent: 0, received: 0, reason: null }
  const before = uplink.spent
  const useless = new Set<string>()
  const refused = new Set<string>()
  let reason: string | null | undefined
  for (;;) {
    const way = await uplink.climb(useless, signal)
    if (way === null || way.endpoint.kind === 'relay') {
      way?.close()
      if (reason === undefined) reason = uplink.known.lastFailure
      break
    }
    const here = await offerAll(files, way, uplink, signal)
    useless.add(way.id)
    tally.brought += here.brought
    reason = here.reason
    refused.clear()
    for (const each of here.refused) refused.add(each)
    if (signal.aborted || (reason === null && refused.size === 0)) break
  }
  // What the last way to be tried refuses as well is left for now. Nobody has signed that: it waits all the same.
  for (const each of refused) files.refused(each)
  tally.refused = refused.size
  await uplink.remember()
  const { sent, received } = uplink.spent
  return { ...tally, sent: sent - before.sent, received: received - before.received, reason }
}

interface OverOneWay {
  readonly brought: number
  /** Digests of the files that were refused here. */
  readonly refused: readonly string[]
  /** Why the files behind the last one were not offered; null when all were. */
  readonly reason: string | null
}

async function offerAll(
  files: CarriedFiles,
  opened: Way,
  uplink: Uplink,
  signal: AbortSignal,
): Promise<OverOneWay> {
  const refused: string[] = []
  let way: Way | null = opened
  let brought = 0
  try {
    for (const sha256 of files.waiting()) {
      const bytes = await files.read(sha256)
      // The file was given up for room since the list was made, or it has rotted.
      if (bytes === null) continue
      let held = 0
      for (let lines = 0; ; lines += 1) {
        const { form } = wayOf(uplink.known, opened.id)
        const proven = uplink.known.lastGood === opened.id
        const manner: Manner = { form, goOn: lines > 0, proven }
        const offered: OfferedSealed = await offerSealed(way, bytes, manner, uplink)
        const { outcome } = offered
        const arrived = outcome.kind === 'arrived'
        if (offered.wentWhole && arrived) uplink.report({ kind: 'sealed_whole', way: opened.id, whole: true })
        else if (form.sealedWhole && !arrived)
          uplink.report({ kind: 'sealed_whole', way: opened.id, whole: false })
        if (outcome.kind === 'refused') refused.push(sha256)
        if (outcome.kind === 'arrived') {
          await files.brought(sha256, outcome.answer)
          brought++
        }
        if (outcome.kind !== 'deferred') break
        // A line that breaks off after it brought something is worth another.
        way.close()
        const isWorthIt = outcome.brokeOff && (lines === 0 || outcome.held > held)
        held = outcome.held
        way = isWorthIt && lines < mostLines ? await uplink.reopen(opened.id, new Set(), signal) : null
        if (way === null) return { brought, refused, reason: outcome.reason }
      }
    }
    return { brought, refused, reason: null }
  } finally {
    way?.close()
  }
}
