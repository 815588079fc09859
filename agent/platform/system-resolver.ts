// Which resolver this machine is set to ask, as far as it says so: the first one of resolv.conf(5). Android has no such file.
// Nothing is asked over the network.

import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'

/** More is no resolv.conf. */
const maxChars = 65_536

/**
 * @returns Its address; null where there is none that can be read, and for one that is private or this machine itself: a
 *   router that hands questions on is not whom they reach, and its address is the host's own business.
 */
export async function systemResolver(path = '/etc/resolv.conf'): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const [, address = ''] = /^[ \t]*nameserver[ \t]+(\S+)/m.exec(text.slice(0, maxChars)) ?? []
  return isIP(address) === 0 || isBogon(address) ? null : address
}
