// The nettest `quicping`: tests-spec/nettests/quicping.md.

import type { QuicPing } from '../../tests-spec/data-formats/observation.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { quicping as spec } from '../../tests-spec/nettests/quicping.ts'
import { quicPing } from '../operations/quic-ping.ts'
import type { Bytes } from '../operations/trace.ts'
import { measuredBy, type Nettest } from './nettest.ts'
import { besides, joinBytes } from './seen.ts'
import { lookUpHost } from './steps.ts'

export const quicping: Nettest = measuredBy(spec, async (context, input, { port, repetitions }) => {
  if (input === null) throw new TypeError('Cannot measure quicping without an input')
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
})
