// The nettest `web_connectivity`: tests-spec/nettests/web-connectivity.md.

import { hostOfUrl } from '../../tests-spec/nettests/host-text.ts'
import { isSlow, transferControlTag, transferIn } from '../../tests-spec/nettests/throttling.ts'
import { webConnectivity as spec } from '../../tests-spec/nettests/web-connectivity.ts'
import { withForgery } from './forged-answers.ts'
import { measuredBy, type Nettest, type NettestContext } from './nettest.ts'
import { withSecondView } from './second-view.ts'
import { besides, joinSeen, type Seen } from './seen.ts'
import { followUrl } from './url-flow.ts'

export const webConnectivity: Nettest = measuredBy(
  spec,
  async (context, input, { body_bytes: bodyBytes }) => {
    if (input === null) throw new TypeError('Cannot measure web_connectivity without an input')
    const page = await followUrl(context, input, [], { helper: true, followUps: true, bodyBytes })
    const viewed = await withForgery(
      context,
      hostOfUrl(new URL(input)),
      await withSecondView(context, input, page),
    )
    const seen = await withTransfer(context, viewed)
    const { testHelper, controlOfHop } = seen
    return besides(seen, {
      ...(testHelper !== undefined && { x_sonde_test_helper: testHelper }),
      ...(controlOfHop !== undefined && { x_sonde_control_of_hop: controlOfHop }),
    })
  },
)

/** Of a page that came slowly, how fast a page comes that nobody slows down. */
async function withTransfer(context: NettestContext, seen: Seen): Promise<Seen> {
  const { transferControl } = context
  const transfer = transferIn(seen.observations.requests[0], seen.observations)
  if (transferControl === null || transfer === null || !isSlow(transfer)) return seen
  if (!context.mayAskElsewhere()) return seen
  return joinSeen([seen, await fetchLinkControl(context, transferControl, transfer.bytes)])
}

/** At once after the slow one: in a minute the radio may have changed. */
async function fetchLinkControl(context: NettestContext, url: string, bodyBytes: number): Promise<Seen> {
  return followUrl(context, url, [transferControlTag], { helper: false, followUps: false, bodyBytes })
}
