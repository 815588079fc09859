// The nettest `sni_blocking`: tests-spec/nettests/sni-blocking.md. Handshakes with one server under two names.

import { sniTags, sniBlocking as spec } from '../../tests-spec/nettests/sni-blocking.ts'
import { measuredBy, type Nettest } from './nettest.ts'
import { besides, joinSeen, type Seen } from './seen.ts'
import { lookUpHost, tryHandshake } from './steps.ts'

export const sniBlocking: Nettest = measuredBy(spec, async (context, input, options) => {
  if (input === null) throw new TypeError('Cannot measure sni_blocking without an input')
  const { control_sni, test_helper_address } = options
  const neutralName = control_sni ?? context.neutralName
  const helper = test_helper_address ?? `${neutralName}:443`
  const [host = '', port] = helper.split(':')
  const { seen, addresses } = await lookUpHost(context, host, [])
  const parts = [seen]
  const [ip] = addresses
  if (ip !== undefined) {
    const shake = async (serverName: string, tag: string) => {
      const names = { serverName, alpn: ['h2', 'http/1.1'] }
      return (await tryHandshake(context, { ip, port: Number(port) }, names, [tag])).seen
    }
    // What must succeed first: where a blocked name poisons the address for a while, it must not pay for the target.
    parts.push(await shake(neutralName, sniTags.control))
    const target = await shake(input, sniTags.target)
    parts.push(target)
    if (metSilence(target)) parts.push(await shake(input, sniTags.again))
  }
  const asked = (sni: string) => ({ sni, th_address: helper })
  return besides(joinSeen(parts), { control: asked(neutralName), target: asked(input) })
})

/** A lost packet looks the same: it is worth a second look. */
function metSilence({ observations }: Seen): boolean {
  const failure = observations.tls_handshakes[0]?.failure
  return failure === 'generic_timeout_error' || failure === 'timed_out'
}
