// A process at a provider's router: its resolver, which may lie, and the boxes that connections are diverted to.
// Argument: the provider's letter. Each line on stdin is a JSON object of lies, by name, and
// is answered with `told` when they are in force.

import { createInterface } from 'node:readline'
import { readKeys } from './keys.ts'
import { startNameServer } from './name-server.ts'
import {
  afterFirstBytes,
  bundleUsedUp,
  httpServer,
  httpsServer,
  listen,
  notice,
  pageOf,
  politeNotice,
  portal,
  sendingTo,
} from './pages.ts'
import { boxPorts, type DnsAnswer } from './policy.ts'
import { type IspKey, isps, translated } from './topology.ts'

const isp = isps[process.argv[2] as IspKey]
const { leaves } = readKeys()
let lies: Readonly<Record<string, DnsAnswer>> = {}

/** A TLS record: alert, version 1.2, fatal, handshake_failure. */
const alert = Buffer.from([21, 3, 3, 0, 2, 2, 40])

const boxes = {
  block_page: httpServer(notice),
  polite_block_page: httpServer(politeNotice),
  redirect_to_notice: httpServer(sendingTo('https://regulator.example/')),
  redirect_home: httpServer(sendingTo('http://192.168.1.1/blocked')),
  portal: httpServer(portal),
  bundle: httpServer(bundleUsedUp),
  // Whoever sits in the middle shows the true page, so that only the certificate tells.
  wrong_authority: httpsServer(leaves.impostor, pageOf('page')),
  expired: httpsServer(leaves.expired, pageOf('page')),
  wrong_name: httpsServer(leaves.wrongName, pageOf('page')),
  expired_wrong_authority: httpsServer(leaves.impostorExpired, pageOf('page')),
  plain_http: afterFirstBytes((socket) =>
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
  ),
  alert: afterFirstBytes((socket) => socket.end(alert)),
  close: afterFirstBytes((socket) => socket.end()),
}

for (const [box, server] of Object.entries(boxes))
  await listen(server, boxPorts[box as keyof typeof boxPorts], '::')
const lie = (name: string) => lies[name] ?? lies['*']
await startNameServer(isp.resolver, lie)
if (isp.key === 'm') await startNameServer(translated.resolver, lie, true)
createInterface({ input: process.stdin }).on('line', (line) => {
  lies = JSON.parse(line)
  process.stdout.write('told\n')
})
process.stdout.write('ready\n')
