// Hosts that the link check may ask beside the controls of the list, to tell how far the line leads.

import { isIP } from 'node:net'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'
import { hostOfUrl } from '../../tests-spec/nettests/host-text.ts'
import type { Config } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import type { LinkControl } from '../nettests/link-check.ts'

/** The collector and the provider's own site. A collector on this machine itself says nothing of the link. */
export function ownControls({ provider_site, lab }: Config, collector: Collector | null): LinkControl[] {
  const controls: LinkControl[] = []
  if (provider_site !== null) controls.push({ url: provider_site, role: 'provider', expect: null })
  if (collector !== null) {
    const url = atCollector(collector, 'healthz')
    const host = hostOfUrl(url)
    const isHere = host === 'localhost' || (isIP(host) !== 0 && isBogon(host))
    if (lab || !isHere) controls.push({ url: url.href, role: 'collector', expect: { status: 200 } })
  }
  return controls
}

/**
 * Where the collector answers as a test helper; null when it is not to be asked. Only over verified TLS: anyone on the path can
 * write what a helper says in clear text. One that leaves by this device's own network is no look from outside, and is not
 * contacted: `usable()`.
 */
export function collectorAsHelper(
  { collector_as_helper }: Config,
  collector: Collector | null,
): string | null {
  if (collector === null || !collector_as_helper) return null
  const url = atCollector(collector, 'v1/web-connectivity')
  return url.protocol === 'https:' ? url.href : null
}

const atCollector = ({ url }: Collector, path: string) => new URL(path, url.replace(/\/*$/, '/'))
