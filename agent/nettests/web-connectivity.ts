// The nettest `web_connectivity`: tests-spec/nettests/web-connectivity.md.

import * as v from 'valibot'
import {
  isSlow,
  transferControlTag,
  transferIn,
  webConnectivityOptions,
} from '../../tests-spec/nettests/throttling.ts'
import {
  judgeWebConnectivity,
  webConnectivityKeys,
  webConnectivityName,
  webConnectivityVersion,
} from '../../tests-spec/nettests/web-connectivity.ts'
import { noHelper } from './ask-helper.ts'
import type { Nettest, NettestContext } from './nettest.ts'
import { joinSeen, type Seen } from './seen.ts'
import { followUrl } from './url-flow.ts'

export const webConnectivity: Nettest = {
  name: webConnectivityName,
  version: webConnectivityVersion,
  async measure(context, input, options) {
    if (input === null) throw new TypeError('Cannot measure web_connectivity without an input')
    const { body_bytes: bodyBytes } = v.parse(webConnectivityOptions, options ?? {})
    const seen = await followUrl(context, input, [], { helper: true, followUps: true, bodyBytes })
    const { transferControl } = context
    const transfer = transferIn(seen.observations.requests[0], seen.observations)
    if (transferControl === null || transfer === null || !isSlow(transfer)) return seen
    if (!context.mayAskElsewhere()) return seen
    return joinSeen([seen, await fetchControl(context, transferControl, transfer.bytes)])
  },
  conclude(observations, circumstances, control = noHelper) {
    return {
      keys: { ...webConnectivityKeys(observations, control, circumstances.lab) },
      verdict: judgeWebConnectivity(
        observations,
        typeof control === 'string' ? null : control,
        circumstances,
      ),
      parts: null,
    }
  },
}

/** At once after the slow one: in a minute the radio may have changed. */
async function fetchControl(context: NettestContext, url: string, bodyBytes: number): Promise<Seen> {
  return followUrl(context, url, [transferControlTag], { helper: false, followUps: false, bodyBytes })
}
