// Where an answer is forged, and by what: after an answer that looks made up, questions with rising time to live, and one to a host
// that is no resolver. tests-spec/nettests/web-connectivity.md, "Where answers are forged".

import { isIPv4 } from 'node:net'
import { tagged } from '../../tests-spec/nettests/failed-step.ts'
import { isForgedAnswerLikely } from '../../tests-spec/nettests/forged-answer.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { depthTag } from '../../tests-spec/nettests/web-connectivity.ts'
import { hopsToAnswer } from '../operations/dns-hops.ts'
import { formatEndpoint } from '../operations/wire.ts'
import type { NettestContext } from './nettest.ts'
import { besides, joinBytes, noBytes, type Seen } from './seen.ts'
import { askSystem } from './steps.ts'

const dnsPort = 53

/** @param host - Of the URL that was followed. @returns `seen`, with what was found beside it where something was asked. */
export async function withForgery(context: NettestContext, host: string, seen: Seen): Promise<Seen> {
  const { resolver, trace, neutralName } = context
  if (resolver === null || resolver.transport !== 'udp' || !isIPv4(resolver.ip)) return seen
  const first = tagged(seen.observations, depthTag(0))
  if (!isForgedAnswerLikely(first, seen.outside, context.lab) || !context.mayAskElsewhere()) return seen
  const waitMs = patience.hopAnswerMs
  const target = await hopsToAnswer(trace, resolver, host, waitMs)
  const neutral = await hopsToAnswer(trace, resolver, neutralName, waitMs)
  const { addresses } = await askSystem(context, neutralName, { tags: [], timeoutMs: patience.lookupMs })
  const elsewhere = addresses.find((ip) => isIPv4(ip) && ip !== resolver.ip)
  const noResolver =
    elsewhere === undefined ? null : await hopsToAnswer(trace, { ip: elsewhere, port: dnsPort }, host, waitMs)
  const bytes = joinBytes([seen.bytes, target.bytes, neutral.bytes, noResolver?.bytes ?? noBytes])
  return besides(
    { ...seen, bytes },
    {
      x_sonde_dns_hops: {
        resolver: formatEndpoint(resolver),
        target: target.lowest,
        neutral: neutral.lowest,
        without_resolver: noResolver === null ? null : noResolver.lowest,
      },
    },
  )
}
