// The targets of the core list, as sites of the lab: what the sweep measures is the list that devices have, under its own
// names, and where a nettest knows a service by address, at its own addresses. Nothing of it is asked for outside. A list of its
// own, held to the other by a test, since the sandbox's door is small.

import type { Site } from './topology.ts'

/** Over HTTP and HTTPS. */
const pages = `
  web.telegram.org cdsi.signal.org chat.signal.org sfu.voip.signal.org storage.signal.org
  www.tiktok.com api16-normal-c-useast1a.tiktokv.com api22-normal-c-useast2a.tiktokv.com api-h2.tiktokv.com
  v16-webapp.tiktok.com p16-sign-va.tiktokcdn.com p16-va.tiktokcdn.com
  x.com www.facebook.com www.instagram.com www.youtube.com signal.org www.torproject.org bridges.torproject.org psiphon.ca
  getlantern.org getoutline.org protonvpn.com mullvad.net www.tunnelbear.com openvpn.net www.wireguard.com tails.net
  geti2p.net briarproject.org riseup.net nordvpn.com www.expressvpn.com ultrasurf.us www.rfi.fr www.france24.com
  www.studiotamani.org www.maliweb.net benbere.org
`
/** At addresses of Meta's, since to its nettest another one is a doubt. */
const metas = `
  stun.fbsbx.com b-api.facebook.com b-graph.facebook.com edge-mqtt.facebook.com external.xx.fbcdn.net scontent.xx.fbcdn.net
  star.c10r.facebook.com
`
/** Of Telegram. */
const accessPoints = `
  149.154.175.50 149.154.167.51 149.154.175.100 149.154.167.91 149.154.171.5 95.161.76.100
`

const sitesOf = (
  names: string,
  siteOf: (name: string, index: number) => Site,
): Readonly<Record<string, Site>> =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name, index) => [name, siteOf(name, index)]),
  )

export const listedSites: Readonly<Record<string, Site>> = {
  // Every second one has IPv6 as well.
  ...sitesOf(pages, (_, index) => ({
    address: `22.4.0.${index + 1}`,
    kind: 'listed',
    ...(index % 2 === 1 && { families: 'ipv4' }),
  })),
  ...sitesOf(metas, (_, index) => ({ address: `31.13.64.${index + 1}`, kind: 'chat', families: 'ipv4' })),
  ...sitesOf(accessPoints, (address) => ({ address, kind: 'access_point', families: 'ipv4' })),
  'uptime.signal.org': { address: '22.4.1.1', kind: 'chat', families: 'ipv4' },
}
