// A process in the lab's internet: every site, and the public resolvers.

import { type LabKeys, readKeys } from './keys.ts'
import { startNameServer } from './name-server.ts'
import { afterFirstBytes, httpServer, httpsServer, listen, pageOf } from './pages.ts'
import { publicResolvers, type SiteKind, sites } from './topology.ts'

const { leaves } = readKeys()
/** What sites show that do not show a good one. */
const leafOf: Partial<Record<SiteKind, keyof LabKeys['leaves']>> = {
  expired: 'expired',
  misnamed: 'wrongName',
  self_made: 'impostor',
  notice: 'impostor',
}
const deaf = () => afterFirstBytes(() => {})

for (const { address, kind } of Object.values(sites)) {
  if (kind === 'refusing' || kind === 'silent') continue
  if (kind === 'resetting' || kind === 'closing') {
    const rude = () =>
      afterFirstBytes((socket) => (kind === 'closing' ? socket.end() : socket.resetAndDestroy()))
    await listen(rude(), 80, address)
    await listen(rude(), 443, address)
    continue
  }
  if (kind === 'chat') {
    for (const port of [443, 5222]) await listen(deaf(), port, address)
    continue
  }
  await listen(httpServer(pageOf(kind)), 80, address)
  await listen(httpsServer(leaves[leafOf[kind] ?? 'good'], pageOf(kind)), 443, address)
}
for (const address of publicResolvers) await startNameServer(address)
process.stdout.write('ready\n')
