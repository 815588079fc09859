// The nettest `quicping`: tests-spec/nettests/quicping.md.

import * as v from 'valibot'
import type { QuicPing } from '../../tests-spec/data-formats/observation.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import {
  judgeQuicping,
  quicpingKeys,
  quicpingName,
  quicpingOptions,
  quicpingVersion,
} from '../../tests-spec/nettests/quicping.ts'
import { quicPing } from '../operations/quic-ping.ts'
import type { Bytes } from '../operations/trace.ts'
import type { Nettest } from './nettest.ts'
import { besides, joinBytes } from './seen.ts'
import { lookUpHost } from './steps.ts'

export const quicping: Nettest = {
  name: quicpingName,
  version: quicpingVersion,
  async measure(context, input, options) {
    if (input === null) throw new TypeError('Cannot measure quicping without an input')
    const { port, repetitions } = v.parse(quicpingOptions, options ?? {})
    const { seen, addresses } = await lookUpHost(context, input, [])
    const [ip] = addresses
    const pings: QuicPing[] = []
    const unexpected: QuicPing['responses'] = []
    const costs: Bytes[] = [seen.bytes]
    const answered = () => pings.some((ping) => ping.failure === null || ping.failure === 'interrupted')
    while (ip !== undefined && pings.length < repetitions && !answered()) {
      const flow = { transactionId: context.transactionIds.next('datagram'), tags: [] }
      const ping = await quicPing(context.trace, { ip, port }, { ...flow, timeoutMs: patience.quicPingMs })
      pings.push(ping.observation)
      unexpected.push(...ping.unexpected)
      costs.push(ping.bytes)
    }
    return { ...besides(seen, { pings, unexpected_responses: unexpected }), bytes: joinBytes(costs) }
  },
  conclude(observations, circumstances, _control, input) {
    return {
      keys: { ...quicpingKeys(observations, input ?? '') },
      verdict: judgeQuicping(observations, circumstances),
      parts: null,
    }
  },
}
