// The nettest `link_check`: tests-spec/nettests/link-check.md. Asks the controls of the list, the collector and the
// provider's own site, all at once.

import type { HttpRequest } from '../../tests-spec/data-formats/observation.ts'
import { scrubText } from '../../tests-spec/data-formats/scrub-text.ts'
import type { Control } from '../../tests-spec/lists/test-list.ts'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import {
  type ControlResult,
  type ControlRole,
  isOfSite,
  judgeLink,
  judgeLinkCheck,
  linkCheckName,
  linkCheckVersion,
} from '../../tests-spec/nettests/link-check.ts'
import type { LinkState, Verdict } from '../../tests-spec/nettests/verdict.ts'
import { joinSeen, type NettestContext, type Seen } from './nettest.ts'
import { followUrl } from './url-flow.ts'

/** What is asked, and which answer is the right one. */
export interface LinkControl {
  readonly url: string
  readonly role: ControlRole
  /** null for the provider's site: any page of its own will do. */
  readonly expect: Control['expect'] | null
}

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
  controls: readonly LinkControl[],
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
  { url, role, expect }: LinkControl,
  index: number,
): Promise<{ seen: Seen; result: ControlResult }> {
  const seen = await followUrl(context, url, [`control=${index}`])
  const { requests, tcp_connect } = seen.observations
  const ledTo = whereItLed(requests)
  // Its first word: what a redirect leads to is somebody else's.
  const first = requests.at(-1)
  const answer = first?.failure === null ? first : undefined
  const asExpected =
    answer !== undefined &&
    (expect === null
      ? ledTo !== null && isOfSite(ledTo, new URL(url).hostname)
      : fits(answer.response, expect))
  const kind = !asExpected ? 'other_answer' : answer.tags.includes(classicTag) ? 'ok' : 'other_resolver_only'
  return {
    seen,
    result: {
      url,
      role,
      result: answer === undefined ? 'failed' : kind,
      led_to: ledTo === null ? null : scrubText(ledTo),
      transaction_id: answer?.transaction_id ?? tcp_connect[0]?.transaction_id ?? 0,
    },
  }
}

function fits({ code, body }: HttpRequest['response'], expect: Control['expect']): boolean {
  if (code !== expect.status) return false
  return expect.body === undefined || (typeof body === 'string' && body.includes(expect.body))
}

/** @param requests - Newest first. @returns The host of the last answer or of where it sends; null without an answer. */
function whereItLed(requests: readonly HttpRequest[]): string | null {
  const last = requests.find((request) => request.failure === null)
  if (last === undefined) return null
  const { Location: location = '' } = last.response.headers
  const moved = last.response.code >= 300 && last.response.code < 400
  const url = moved && URL.canParse(location, last.request.url) ? new URL(location, last.request.url) : null
  return (url ?? new URL(last.request.url)).hostname
}
