// network-errors.test.ts runs this inside a network namespace of its own: it connects to each address of its
// argument, asks each as a resolver, and prints the results of the operations.

import { resolveDns } from '../../agent/operations/resolve-dns.ts'
import { tcpConnect } from '../../agent/operations/tcp-connect.ts'
import { makeTrace, step } from './loopback.ts'

const addresses = JSON.parse(process.argv[2] ?? '[]') as string[]
const trace = makeTrace()
const outcomes = await Promise.all(
  addresses.map(async (ip) => {
    const options = { ...step, timeoutMs: 2_500 }
    const { observation, socket } = await tcpConnect(trace, { ip, port: 443 }, options)
    socket?.destroy()
    const resolver = { transport: 'udp', ip, port: 53 } as const
    const { failure } = await resolveDns(trace, resolver, 'site.example', 'A', { ...options, lateReplyMs: 0 })
    return [ip, { tcp: observation.status.failure, udp: failure }]
  }),
)
console.log(JSON.stringify(Object.fromEntries(outcomes)))
