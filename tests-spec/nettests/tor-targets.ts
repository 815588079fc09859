// Where Tor begins: the directory authorities that every client knows, a few relays, and the bridges that come with Tor
// Browser. Public facts, from Tor's own lists (src/app/config/auth_dirs.inc as of Tor 0.4.8, fallback_dirs.inc of June
// 2023) and from Tor Browser's built-in bridges.
//
// They age. An authority moves once in some years; relays and bridges come and go. A test list can bring newer ones in
// the options of its entry, and tor.ts does not call it an anomaly when relays or bridges are merely silent.

import * as v from 'valibot'

export const torProtocols = ['dir_port', 'or_port_dirauth', 'or_port', 'obfs4'] as const
export type TorProtocol = (typeof torProtocols)[number]

export const torTarget = v.strictObject({
  /** `IP:PORT`, IPv6 in brackets. */
  address: v.pipe(v.string(), v.regex(/^(?:[\d.]+|\[[0-9a-f:.]+\]):\d{1,5}$/)),
  name: v.optional(v.pipe(v.string(), v.maxLength(40))),
  protocol: v.picklist(torProtocols),
})
export type TorTarget = v.InferOutput<typeof torTarget>

/** By an id that names the target in tags and keys. */
export const torTargets = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.:[\]/-]{1,80}$/)), torTarget),
  v.check((targets) => Object.keys(targets).length <= 40, 'expected at most 40 targets'),
)
export type TorTargets = Readonly<Record<string, TorTarget>>

/** Name, address, directory port, onion router port. Serge serves bridges and signs no consensus. */
const authorities = [
  ['moria1', '128.31.0.39', 9231, 9201],
  ['tor26', '217.196.147.77', 80, 443],
  ['dizum', '45.66.35.11', 80, 443],
  ['Serge', '66.111.2.131', 9030, 9001],
  ['gabelmoo', '131.188.40.189', 80, 443],
  ['dannenberg', '193.23.244.244', 80, 443],
  ['maatuska', '171.25.193.9', 443, 80],
  ['longclaw', '199.58.81.140', 80, 443],
  ['bastet', '204.13.164.118', 80, 443],
  ['faravahar', '216.218.219.41', 80, 443],
] as const

/** One each of operators that run many. */
const relays = [
  ['DFRI25', '171.25.193.235', 443],
  ['CalyxInstitute17', '185.220.103.5', 443],
  ['Quintex64', '199.249.230.153', 443],
  ['TORKeFFORG2', '193.189.100.195', 443],
  ['CCCStuttgartBer', '185.220.101.65', 9100],
] as const

const bridges = ['193.11.166.194:27015', '209.148.46.65:443', '146.57.248.225:22', '85.31.186.26:443']

export const publicTorTargets: TorTargets = Object.fromEntries<TorTarget>([
  ...authorities.flatMap(([name, ip, dirPort, orPort]) => [
    targetOf('dir_port', `${ip}:${dirPort}`, name),
    targetOf('or_port_dirauth', `${ip}:${orPort}`, name),
  ]),
  ...relays.map(([name, ip, orPort]) => targetOf('or_port', `${ip}:${orPort}`, name)),
  ...bridges.map((address) => targetOf('obfs4', address)),
])

function targetOf(protocol: TorProtocol, address: string, name?: string): [string, TorTarget] {
  return [`${address}/${protocol}`, { address, protocol, ...(name === undefined ? {} : { name }) }]
}
