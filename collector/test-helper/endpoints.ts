// Which endpoints the helper tries, and what it knows of each address: test-helper.md, "Method", step 2. Pure.

import { ipFlags, readEndpoint } from '../../tests-spec/protocol/test-helper.ts'
import { type CheckAddress, type CheckedAddress, canonical } from './destination.ts'

export interface Candidate {
  /**
   * The address as the probe spelled it, so that the probe finds it again; otherwise as the helper's resolver did.
   */
  readonly name: string
  /** null when connecting to it is not allowed. */
  readonly address: CheckedAddress | null
  /** Bits of `ipFlags`, without the one that needs a handshake. */
  readonly flags: number
}

export interface Endpoint {
  readonly name: string
  readonly address: CheckedAddress
  readonly port: number
}

/**
 * Number of addresses that only the helper found. A name with more is served from many places, and ten of them are a
 * sample.
 */
const maxAddressesOfHelper = 10

/**
 * The addresses that the probe and the helper found, each once, the probe's first.
 *
 * @param tcpConnect - The request's endpoints, checked already.
 */
export function candidatesOf(
  tcpConnect: readonly string[],
  resolved: readonly string[],
  check: CheckAddress,
): Candidate[] {
  const found = new Map<string, Candidate>()
  const add = (name: string, flag: number) => {
    const key = canonical(name) ?? name
    const known = found.get(key)
    const address = check(name)
    const flags = (known?.flags ?? 0) | flag | (address === null ? ipFlags.bogon : 0)
    found.set(key, { name: known?.name ?? name, address, flags })
  }
  for (const text of tcpConnect) {
    const endpoint = readEndpoint(text)
    if (endpoint !== null) add(endpoint.ip, ipFlags.probe)
  }
  for (const ip of resolved) add(ip, ipFlags.helper)
  return [...found.values()]
}

/** The endpoints among the candidates that are tried for `url`. */
export function endpointsOf(url: URL, candidates: readonly Candidate[]): Endpoint[] {
  const known = candidates.filter(({ flags }) => (flags & ipFlags.probe) !== 0)
  const others = candidates.filter(({ flags }) => (flags & ipFlags.probe) === 0)
  return [...known, ...others.slice(0, maxAddressesOfHelper)].flatMap(({ name, address }) =>
    address === null ? [] : portsOf(url).map((port) => ({ name, address, port })),
  )
}

function portsOf({ port, protocol }: URL): number[] {
  if (port !== '') return [Number(port)]
  return protocol === 'https:' ? [443] : [80, 443]
}

/** Whether trying `port` includes a handshake. */
export function speaksTls({ protocol }: URL, port: number): boolean {
  return protocol === 'https:' || port === 443
}
