// What earlier checks of the link have shown of each control: which of them are dead in themselves and need another in their
// place. Pure. What that makes of the link is tests-spec/nettests/link-check.ts.

import * as v from 'valibot'
import { type ControlResult, isDead, isOverTls } from '../../tests-spec/nettests/link-check.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))

/** Of one control. */
const remembered = v.object({
  /** In how many checks on end it was not `ok`. */
  failed: count,
  /** In how many of them every other control was. */
  alone: count,
  /** What a helper outside made of it; absent while none was asked. */
  outside: v.optional(v.object({ result: v.picklist(['ok', 'fails_too', 'no_answer']), atMs: v.number() })),
})
type Remembered = Readonly<v.InferOutput<typeof remembered>>

/** By URL: those that failed at the last check. */
export const controlMemory = v.record(v.string(), remembered)
export type ControlMemory = Readonly<Record<string, Remembered>>

/**
 * What a helper said holds for an hour: a control that came back must not be missing for long. As long no helper is asked again
 * that did not answer, since a check waits for it.
 */
const outsideHoldsMs = 3_600_000
/** Of each kind, asked at a time. The rest of a list are reserves. */
const askedInClearText = 4
const askedOverTls = 2

/** @returns Those to ask: the first of each kind, and a reserve for each that is dead, which is asked all the same. */
export function chosen<Control extends { readonly url: string }>(
  controls: readonly Control[],
  memory: ControlMemory,
  nowMs: number,
): Control[] {
  const isGone = ({ url }: Control) =>
    isDead({ url, result: 'failed', transaction_id: 0, ...knownOf(memory, url, nowMs) })
  const first = (some: readonly Control[], wanted: number) => {
    const living = some.filter((each) => !isGone(each)).slice(0, wanted)
    const last = living[wanted - 1]
    return last === undefined ? some : some.slice(0, some.indexOf(last) + 1)
  }
  const taken = new Set([
    ...first(
      controls.filter((each) => !isOverTls(each)),
      askedInClearText,
    ),
    ...first(controls.filter(isOverTls), askedOverTls),
  ])
  return controls.filter((each) => taken.has(each))
}

type Known = Pick<ControlResult, 'failed_alone' | 'outside'>

function knownOf(memory: ControlMemory, url: string, nowMs: number): Known {
  const one = memory[url]
  if (one === undefined) return {}
  const { outside, alone } = one
  const said = outside === undefined || outside.result === 'no_answer' ? undefined : outside.result
  return {
    ...(alone > 0 && { failed_alone: alone }),
    ...(isFresh(one, nowMs) && said !== undefined && { outside: said }),
  }
}

const isFresh = ({ outside }: Remembered, nowMs: number) =>
  outside !== undefined && nowMs - outside.atMs < outsideHoldsMs

/** @returns The results of a check, with what is known of those that failed, this check included. */
export function withMemory(
  results: readonly ControlResult[],
  memory: ControlMemory,
  nowMs: number,
): ControlResult[] {
  const next = remember(results, memory)
  return results.map((each) =>
    each.result === 'ok' || !isNeutral(each) ? each : { ...each, ...knownOf(next, each.url, nowMs) },
  )
}

/**
 * Whether a helper should be asked about it: others answer, and it has failed before, or another one fails beside it, which
 * makes the link look worse than it may be. Once an hour.
 */
export function isWorthAsking(
  result: ControlResult,
  results: readonly ControlResult[],
  memory: ControlMemory,
  nowMs: number,
): boolean {
  if (result.result === 'ok' || result.result === 'local_failure' || !isNeutral(result)) return false
  const neutral = results.filter(isNeutral)
  if (!neutral.some((each) => each.result === 'ok')) return false
  const before = memory[result.url]
  if (before !== undefined && isFresh(before, nowMs)) return false
  return before !== undefined || neutral.filter((each) => each.result !== 'ok').length > 1
}

/** @returns The memory after a check. */
export function remember(results: readonly ControlResult[], memory: ControlMemory): ControlMemory {
  const neutral = results.filter((each) => isNeutral(each) && each.result !== 'local_failure')
  const failed = neutral.filter(({ result }) => result !== 'ok')
  // One that is known to be dead does not make another one's failure less lonely.
  const unexplained = failed.filter(({ url }) => memory[url]?.outside?.result !== 'fails_too')
  const isAlone = (url: string) => unexplained.every((each) => each.url === url) && neutral.length > 2
  return Object.fromEntries(
    failed.map(({ url }) => {
      const before = memory[url] ?? { failed: 0, alone: 0 }
      return [
        url,
        { ...before, failed: before.failed + 1, alone: isAlone(url) ? before.alone + 1 : before.alone },
      ]
    }),
  )
}

/** What a helper made of a control, put into the memory. */
export function noted(
  memory: ControlMemory,
  url: string,
  result: 'ok' | 'fails_too' | 'no_answer',
  atMs: number,
): ControlMemory {
  const before = memory[url] ?? { failed: 1, alone: 0 }
  return { ...memory, [url]: { ...before, outside: { result, atMs } } }
}

const isNeutral = ({ role }: ControlResult) => (role ?? 'neutral') === 'neutral'
