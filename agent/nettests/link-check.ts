// The nettest `link_check`: tests-spec/nettests/link-check.md. Asks the controls of the list, all at once.

import type { Control } from '../../tests-spec/lists/test-list.ts'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import {
  type ControlResult,
  judgeLink,
  judgeLinkCheck,
  linkCheckName,
  linkCheckVersion,
} from '../../tests-spec/nettests/link-check.ts'
import type { LinkState, Verdict } from '../../tests-spec/nettests/verdict.ts'
import { joinSeen, type NettestContext, type Seen } from './nettest.ts'
import { followUrl } from './url-flow.ts'

export interface LinkCheck extends Seen {
  readonly name: string
  readonly version: string
  readonly controls: readonly ControlResult[]
  readonly link: LinkState
  readonly verdict: Verdict
}

/**
 * @param previous - The state before, for `since`.
 * @param at - ISO 8601 time of this check.
 */
export async function checkLink(
  context: NettestContext,
  controls: readonly Control[],
  previous: LinkState,
  at: string,
): Promise<LinkCheck> {
  const each = await Promise.all(controls.map(async (control, index) => askControl(context, control, index)))
  const seen = joinSeen(each.map((one) => one.seen))
  const results = each.map((one) => one.result)
  const link = judgeLink(results, previous, at)
  const verdict = judgeLinkCheck({ ...seen.observations, x_sonde_controls: results }, link)
  return { ...seen, name: linkCheckName, version: linkCheckVersion, controls: results, link, verdict }
}

async function askControl(
  context: NettestContext,
  { url, expect }: Control,
  index: number,
): Promise<{ seen: Seen; result: ControlResult }> {
  const seen = await followUrl(context, url, [`control=${index}`])
  const first = seen.observations.requests.at(-1)
  const answer = first?.failure === null ? first : undefined
  const body = answer?.response.body
  const asExpected =
    answer?.response.code === expect.status &&
    (expect.body === undefined || (typeof body === 'string' && body.includes(expect.body)))
  const kind = !asExpected ? 'other_answer' : answer.tags.includes(classicTag) ? 'ok' : 'other_resolver_only'
  return {
    seen,
    result: {
      url,
      result: answer === undefined ? 'failed' : kind,
      transaction_id: answer?.transaction_id ?? seen.observations.tcp_connect[0]?.transaction_id ?? 0,
    },
  }
}
