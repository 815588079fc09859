// A second look from outside, where the first does not settle it: the hop at which a chain of redirects ended, of which a
// helper says nothing by itself; and a second helper, where the first is at odds with what was seen here. One helper may be
// blocked, censored or wrong itself. tests-spec/nettests/web-connectivity.md, "With a helper".

import { isForeignPage } from '../../tests-spec/nettests/web-connectivity.ts'
import type { TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import { askHelpers, type HelperAnswer } from './ask-helper.ts'
import type { NettestContext } from './nettest.ts'
import { besides, joinBytes, type Seen } from './seen.ts'
import { helperRequest } from './url-flow.ts'

/** @param input - The URL that was followed. @returns `seen`, with the further view beside it where one was had. */
export async function withFurtherView(context: NettestContext, input: string, seen: Seen): Promise<Seen> {
  const { outside, endedAt, testHelper = null } = seen
  if (outside === undefined || typeof outside === 'string' || context.trace.signal.aborted) return seen
  if (endedAt !== undefined && endedAt.depth > 0) {
    const request = helperRequest(endedAt.url, endedAt.addresses)
    const other = await askHelpers(context, request, testHelper)
    const asked = typeof other.outside === 'string' ? await askHelpers(context, request) : other
    return noting(seen, [other, asked], (control, helper) => ({
      x_sonde_control_of_hop: { depth: endedAt.depth, helper, control },
    }))
  }
  if (endedAt === undefined && !isForeignPage(seen.observations, outside)) return seen
  const asked = await askHelpers(context, helperRequest(new URL(input), endedAt?.addresses ?? []), testHelper)
  return noting(seen, [asked], (control, helper) => ({ x_sonde_second_control: { helper, control } }))
}

function noting(
  seen: Seen,
  asked: readonly HelperAnswer[],
  keys: (control: TestHelperResponse, helper: string) => Readonly<Record<string, unknown>>,
): Seen {
  const last = asked.at(-1)
  const paid = { ...seen, bytes: joinBytes([seen.bytes, ...[...new Set(asked)].map(({ bytes }) => bytes)]) }
  if (last === undefined || typeof last.outside === 'string' || last.helper === null) return paid
  return besides(paid, keys(last.outside, last.helper))
}
