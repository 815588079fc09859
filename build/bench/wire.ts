// Bytes on the wire per check, headers of IP, TCP and UDP included. Runs in a network namespace of its own, where the
// loopback carries nothing but the checks. Prints one number.

import { readFileSync } from 'node:fs'
import type { Certificate } from './certificate.ts'
import { output, startTarget } from './child.ts'
import type { LoadOrder } from './load.ts'

const checks = 200

async function main(load: string, certificate: Certificate, alpn: readonly string[]): Promise<number> {
  const target = await startTarget(certificate)
  const order: LoadOrder = { dns: target.dns, https: target.https, checks, alpn, ca: certificate.root }
  const before = loopbackBytes()
  await output(process.execPath, [load, JSON.stringify(order)])
  const bytes = (loopbackBytes() - before) / checks
  target.process.kill()
  return bytes
}

/** Each packet is received once, in whichever direction it goes. Link-layer headers are not included. */
function loopbackBytes(): number {
  return Number(/^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'latin1'))?.[1])
}

const [load = '', certificate = '{}', alpn = '[]'] = process.argv.slice(2)
console.log(await main(load, JSON.parse(certificate), JSON.parse(alpn)))
