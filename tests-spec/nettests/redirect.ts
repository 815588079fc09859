// Where a response sends its reader (RFC 9110 §15.4), the same for probe and helper, and how far it is followed. Pure.

import { isWebPort } from '../lists/public-target.ts'
import { bareHost } from './host-text.ts'

/** As many as OONI's helper follows. A longer chain is a loop, or somebody's joke. */
export const maxRedirects = 10

const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * @param headers - As the response had them, any case.
 * @returns null when the response is no redirect, or names no place.
 */
export function locationOf(
  code: number,
  headers: readonly (readonly [name: string, value: string])[],
): string | null {
  if (!redirecting.has(code)) return null
  return headers.find(([name]) => name.toLowerCase() === 'location')?.[1] || null
}

/**
 * The URL to ask next. A user name or password in it is left out: nobody tries passwords on a site to measure it, and
 * some sites redirect to themselves with a guest's name.
 *
 * @param location - Absolute, or relative to `here`.
 * @returns null for the scheme of some app, a port where no website is, or what cannot be read as a URL.
 */
export function redirectTarget(location: string, here: URL): URL | null {
  if (!URL.canParse(location, here.href)) return null
  const next = new URL(location, here)
  if (next.protocol !== 'http:' && next.protocol !== 'https:') return null
  // Besides where the chain began: a redirect must not make a device knock at other services.
  if (!isWebPort(next.port) && next.port !== here.port) return null
  next.username = ''
  next.password = ''
  return next
}

/**
 * Whether `to` is for somebody else to say: anyone on the path can write a redirect in clear text, and what answers under a
 * foreign name, be its certificate as good as it may, speaks for that name alone.
 */
export function leavesSite(from: URL, to: URL): boolean {
  return from.protocol === 'http:' && !isSameSite(bareHost(from.hostname), bareHost(to.hostname))
}

/**
 * One host, or one under its name. `www` counts for nothing, nor does `m`; what else is above a name may be a registry, with
 * the regulator's page on it.
 */
function isSameSite(from: string, to: string): boolean {
  const [a, b] = [from, to].map((host) => host.toLowerCase().replace(/^(?:www|m|mobile)\.(?=.*\.)/, ''))
  return a === b || (b?.endsWith(`.${a}`) ?? false)
}

/** Second levels that countries give names under: `site.gov.ml` is called `site`. */
const registries: ReadonlySet<string> = new Set(['ac', 'co', 'com', 'edu', 'gov', 'net', 'org'])

/** Whether two hosts are called the same, as the fronts of one site in two countries or languages are. */
export function areNamesakes(one: string, other: string): boolean {
  const name = nameOf(one)
  return name !== null && name === nameOf(other)
}

/** @returns null for an address, and for a host above which nothing is. */
function nameOf(host: string): string | null {
  const labels = host.toLowerCase().split('.')
  const [level = '', above = ''] = labels.slice(0, -1).reverse()
  if (/^\d*$/.test(labels.at(-1) ?? '')) return null
  return (registries.has(level) ? above : level) || null
}
