// A process in the lab's internet: every site over both families, and the public resolvers.

import { startQuic, startStun } from './datagram-servers.ts'
import { startEncryptedNameServer } from './encrypted-name-server.ts'
import { type LabKeys, readKeys } from './keys.ts'
import { startNameServer } from './name-server.ts'
import { oddSite } from './odd-sites.ts'
import { afterFirstBytes, httpServer, httpsServer, listen, pageOf } from './pages.ts'
import { addressesOf, publicResolvers, type SiteKind, sites } from './topology.ts'

const { leaves } = readKeys()
/** What sites show that do not show a good one. */
const leafOf: Partial<Record<SiteKind, keyof LabKeys['leaves']>> = {
  listed: 'listed',
  neutral: 'neutral',
  expired: 'expired',
  misnamed: 'wrongName',
  self_made: 'impostor',
  notice: 'impostor',
}
const deaf = () => afterFirstBytes(() => {})

for (const site of Object.values(sites))
  for (const address of addressesOf(site)) await open(site.kind, address)
for (const address of publicResolvers) await startNameServer(address)
process.stdout.write('ready\n')

async function open(kind: SiteKind, address: string): Promise<void> {
  switch (kind) {
    case 'refusing':
    case 'silent':
    case 'bogon':
    case 'neighbour':
      return
    case 'resetting':
    case 'closing': {
      const rude = () =>
        afterFirstBytes((socket) => (kind === 'closing' ? socket.end() : socket.resetAndDestroy()))
      await listen(rude(), 80, address)
      await listen(rude(), 443, address)
      return
    }
    case 'chat':
      for (const port of [443, 5222]) await listen(deaf(), port, address)
      return
    case 'access_point':
      for (const port of [80, 443]) await listen(httpServer(pageOf(kind)), port, address)
      return
    case 'stun':
      return startStun(address)
    case 'resolver':
      return startEncryptedNameServer(address, leaves.good)
    case 'half_chain':
    case 'bad_head':
    case 'http2_only':
    case 'bare_lf':
    case 'slow':
    case 'cuts_once': {
      const { clear, secure } = oddSite(kind, { leaf: leaves.good, halfChain: leaves.halfChain })
      await listen(clear, 80, address)
      await listen(secure, 443, address)
      return
    }
    default:
      if (kind === 'page') await startQuic(address)
      await listen(httpServer(pageOf(kind)), 80, address)
      await listen(httpsServer(leaves[leafOf[kind] ?? 'good'], pageOf(kind)), 443, address)
  }
}
