// Whether a page in clear text is a front of the site that turns this country, or this reader, away. web-connectivity.md, "Verdict",
// is the page. Pure.

import type { HttpRequest } from '../data-formats/observation.ts'
import { readEndpoint } from '../protocol/test-helper.ts'
import { untranslated } from './address-range.ts'
import type { OutsideView } from './outside-view.ts'

/** Of an answer that turns the reader away, and no other. */
const turnsAway: ReadonlySet<number> = new Set([401, 403, 406, 429, 451, 503])

/** Names under which content networks answer for themselves; the site behind them has another one. */
const fronts =
  /^(?:akamai|cloudflare|cloudfront|varnish|fastly|sucuri|imperva|incapsula|ecacc|ecs|edgecast|bunnycdn|ddos-guard|qrator|stackpath|gcore|keycdn|tengine|yunjiasu)/i

/** Whose names are on every other server, and on most block pages: to share one says nothing. */
const everybodys =
  /^(?:nginx|apache|openresty|lighttpd|microsoft-iis|caddy|litespeed|squid|httpd)(?:[/ ][\w.+ -]*)?$/i

/**
 * Whether the server failed, as servers do for a minute; or a front that stands at one of the site's own addresses, as the helper knows them, turned the reader away under its own
 * name. A censor on the path may write the same: that is why it is a doubt, and no `ok`.
 */
export function isTurnedAway({ address, response }: HttpRequest, { dns }: OutsideView): boolean {
  // A server that fails now did not a moment before, or will not a moment later.
  if (response.code >= 500) return true
  const endpoint = readEndpoint(address)
  const isSites = endpoint !== null && dns.addrs.map(untranslated).includes(untranslated(endpoint.ip))
  return isSites && turnsAway.has(response.code) && fronts.test(serverIn(response.headers) ?? '')
}

/** Whether both answers name the same server, as something that is the site's own, or as who turned the reader away. */
export function isSameServer({ response }: HttpRequest, { http_request }: OutsideView): boolean {
  const [ours, theirs] = [serverIn(response.headers), serverIn(http_request.headers)]
  if (ours === undefined || ours !== theirs) return false
  return turnsAway.has(response.code) || !everybodys.test(ours)
}

/** Some CDNs put the name of the single machine in brackets behind their own. */
function serverIn(headers: Readonly<Record<string, string>>): string | undefined {
  const [, server] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'server') ?? []
  return server?.replaceAll(/\([^()]*\)/g, '').trim()
}
