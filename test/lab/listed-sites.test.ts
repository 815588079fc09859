// The lab has a site for every host that the core list and the messengers name, of a kind that answers as is asked there.

import { describe, expect, it } from 'vitest'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { facebookMessengerService } from '../../tests-spec/nettests/facebook-messenger.ts'
import { isMetaAddress } from '../../tests-spec/nettests/meta-prefixes.ts'
import { hostOf } from '../../tests-spec/nettests/service.ts'
import { signalService } from '../../tests-spec/nettests/signal.ts'
import { telegramService } from '../../tests-spec/nettests/telegram.ts'
import { whatsappService } from '../../tests-spec/nettests/whatsapp.ts'
import { listedSites } from './listed-sites.ts'
import { sites } from './topology.ts'

const { entries, services = [] } = parseTestList(core)
const urls = entries.flatMap(({ nettest, input }) => (nettest === 'web_connectivity' ? [input ?? ''] : []))
const described = [whatsappService, telegramService, signalService, facebookMessengerService, ...services]
const endpoints = described.flatMap(({ groups }) => groups.flatMap((group) => group.endpoints))

describe('the sites of the core list', () => {
  it.each(urls)('there is a page at %s', (url) => {
    expect(['listed', 'page']).toContain(sites[new URL(url).hostname]?.kind)
  })

  it.each(endpoints.map((each) => [hostOf(each), each] as const))(
    'what a service asks of %s is there',
    (host, each) => {
      const isPage = each.kind === 'tls' || (each.kind === 'url' && each.url.startsWith('https:'))
      const kinds = isPage ? ['listed', 'page'] : each.kind === 'url' ? ['access_point'] : ['chat']
      expect(kinds).toContain(sites[host]?.kind)
    },
  )

  it('are no others', () => {
    const named = new Set([...urls.map((url) => new URL(url).hostname), ...endpoints.map(hostOf)])
    expect(Object.keys(listedSites).filter((name) => !named.has(name))).toEqual([])
  })

  it("are at Meta's addresses, where only these will do", () => {
    const hosts = facebookMessengerService.groups.flatMap((group) => group.endpoints.map(hostOf))
    expect(hosts.filter((host) => !isMetaAddress(sites[host]?.address ?? ''))).toEqual([])
  })
})
