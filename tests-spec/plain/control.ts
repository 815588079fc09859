// The outside view of `web_connectivity` where OONI's readers would stumble over it. plain-form.md §6 is the page. Pure.

import * as v from 'valibot'
import { noHelper } from '../nettests/web-connectivity.ts'

type Keys = Readonly<Record<string, unknown>>

const named = v.record(v.string(), v.unknown())
const withEndpoints = v.looseObject({ tcp_connect: named, tls_handshake: named })

/**
 * That no list named a helper is no failure: the scoring takes a failure that it does not know for a fault of the probe,
 * also where the site was reached, under any key that ends as this one does. And of an endpoint that a helper shook hands with and does not say it connected to, the
 * pipeline can make nothing, not even of the rest.
 */
export function controlForOoni(keys: Keys): Keys {
  const asked = keys.control_failure !== noHelper
  const control = v.safeParse(withEndpoints, keys.control)
  return {
    ...keys,
    ...(!asked && { control_failure: null, x_sonde_no_helper: true }),
    ...(control.success && { control: { ...control.output, ...pairedHandshakes(control.output) } }),
  }
}

function pairedHandshakes({ tcp_connect, tls_handshake }: v.InferOutput<typeof withEndpoints>) {
  const [paired, alone] = [true, false].map((isPaired) =>
    Object.entries(tls_handshake).filter(([address]) => Object.hasOwn(tcp_connect, address) === isPaired),
  )
  return {
    tls_handshake: Object.fromEntries(paired ?? []),
    ...(alone !== undefined && alone.length > 0 && { x_sonde_tls_handshake: Object.fromEntries(alone) }),
  }
}
