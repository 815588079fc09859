// Where devices knock: names of public zones, and ports of the web. Pure.

const webPorts: ReadonlySet<string> = new Set(['', '80', '443', '8000', '8008', '8080', '8443', '8888'])
/** Names that are of no public zone: special use (RFC 6761, RFC 6762, RFC 8375, RFC 9476) and what home routers give. */
const privateSuffix =
  /(^|\.)(localhost|local|lan|home|internal|intranet|corp|test|invalid|example|alt|home\.arpa|in-addr\.arpa|ip6\.arpa)$/

/** @param port - As a `URL` has it: empty for that of the scheme. */
export function isWebPort(port: string): boolean {
  return webPorts.has(port)
}

/** One word is a name of somebody's own network. */
export function isPrivateName(host: string): boolean {
  const name = host.replace(/\.$/, '')
  return !name.includes('.') || privateSuffix.test(name)
}
