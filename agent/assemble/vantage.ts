// Where a measurement is made from, as far as the record tells it: the software, and what the operator configured.
// The machine's own addresses are here only to be removed from all data.

import type { Config } from '../config.ts'
import type { Vantage } from '../measurement/envelope.ts'
import type { OwnAddresses } from '../platform/own-addresses.ts'
import { softwareName, version } from '../version.ts'

/** @param roots - The name of the roots that certificates are checked against. */
export function vantageOf(
  config: Config,
  own: OwnAddresses,
  resolverIp: string | null,
  roots: string,
): Vantage {
  return {
    softwareName,
    softwareVersion: version,
    probeCc: config.probe_cc,
    probeAsn: config.probe_asn,
    probeNetworkName: config.probe_network_name,
    annotations: annotations(roots, config, own.ipv6),
    resolverIp,
    ownAddresses: own.addresses,
  }
}

function annotations(roots: string, { lab, network_type }: Config, ipv6: boolean): Record<string, string> {
  return {
    architecture: process.arch,
    platform: process.platform,
    engine_name: softwareName,
    engine_version: version,
    network_type,
    node_version: process.versions.node,
    openssl_version: process.versions.openssl,
    x_sonde_trust_store: roots,
    x_sonde_ipv6: String(ipv6),
    ...(lab ? { x_sonde_lab: 'true' } : {}),
  }
}
