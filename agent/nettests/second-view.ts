// A second look from outside, where the first is at odds with what was seen here, or saw the same failure: one helper may be
// blocked, censored or wrong itself. tests-spec/nettests/web-connectivity.md, "With a helper".

import { withoutFollowUps } from '../../tests-spec/nettests/failed-step.ts'
import { isForeignPage } from '../../tests-spec/nettests/web-connectivity.ts'
import { askHelpers } from './ask-helper.ts'
import type { NettestContext } from './nettest.ts'
import { besides, joinBytes, type Seen } from './seen.ts'
import { helperRequest } from './url-flow.ts'

/** Whether it ended with a page that anyone on the path can write, so that it is worth what a helper's page says of it. */
function isInClearText({ observations }: Seen): boolean {
  const [last] = withoutFollowUps(observations).requests
  return last?.failure === null && last.request.url.startsWith('http:')
}

/** @param input - The URL that was followed. @returns `seen`, with the second view beside it where one was had. */
export async function withSecondView(context: NettestContext, input: string, seen: Seen): Promise<Seen> {
  const { outside, endedAt, testHelper = null } = seen
  if (outside === undefined || typeof outside === 'string' || context.trace.signal.aborted) return seen
  const isSettled = endedAt === undefined && !isForeignPage(seen.observations, outside)
  if (isSettled && !(outside.http_request.failure !== null && isInClearText(seen))) return seen
  const request = helperRequest(new URL(input), endedAt?.addresses ?? [])
  const { outside: control, helper, bytes } = await askHelpers(context, request, testHelper)
  const paid = { ...seen, bytes: joinBytes([seen.bytes, bytes]) }
  if (typeof control === 'string' || helper === null) return paid
  return besides(paid, { x_sonde_second_control: { helper, control } })
}
