// The nettest `quicping`: tests-spec/nettests/quicping.md.

import * as v from 'valibot'
import type { QuicPing } from '../../tests-spec/data-formats/observation.ts'
import {
  judgeQuicping,
  quicpingKeys,
  quicpingName,
  quicpingOptions,
  quicpingVersion,
} from '../../tests-spec/nettests/quicping.ts'
import { quicPing } from '../operations/quic-ping.ts'
import { lookUpHost } from './host-lookup.ts'
import type { Nettest } from './nettest.ts'

/** Milliseconds. OONI allows two seconds for each packet. */
const pingTimeoutMs = 2_000

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
    const bytes = { ...seen.bytes }
    const answered = () => pings.some((ping) => ping.failure === null || ping.failure === 'interrupted')
    while (ip !== undefined && pings.length < repetitions && !answered()) {
      const step = {
        transactionId: context.transactionIds.next('datagram'),
        tags: [],
        timeoutMs: pingTimeoutMs,
      }
      const ping = await quicPing(context.trace, { ip, port }, step)
      pings.push(ping.observation)
      unexpected.push(...ping.unexpected)
      bytes.sent += ping.bytes.sent
      bytes.received += ping.bytes.received
    }
    return { observations: { ...seen.observations, pings, unexpected_responses: unexpected }, bytes }
  },
  conclude(observations, circumstances, _control, input) {
    return {
      keys: { ...quicpingKeys(observations, input ?? '') },
      verdict: judgeQuicping(observations, circumstances),
      parts: null,
    }
  },
}
