// DNS as OONI's readers join it: plain-form.md §2.

import { expect, it } from 'vitest'
import { connect, join, query } from '../../test/support/observations.ts'
import { onceForEachPort, withNetworks } from './lookups.ts'

const of = (host: string) => ({ tags: [`host=${host}`, 'classic'] })

it.each([
  ['one port, one lookup', join(query(['21.0.0.10'], of('a')), connect(null, { ...of('a'), port: 443 })), 1],
  [
    'two ports of one address, two',
    join(
      query(['21.0.0.10'], of('a')),
      connect(null, { ...of('a'), port: 443 }),
      connect(null, { ...of('a'), port: 5222 }),
    ),
    2,
  ],
  [
    'two addresses, one',
    join(
      query(['21.0.0.10', '21.0.0.11'], of('a')),
      connect(null, { ...of('a'), port: 443 }),
      connect(null, { ...of('a'), ip: '21.0.0.11', port: 443 }),
    ),
    1,
  ],
  [
    'the same address of another host is that host’s',
    join(
      query(['21.0.0.10'], of('a')),
      connect(null, { ...of('a'), port: 443 }),
      connect(null, { ...of('b'), port: 5222 }),
    ),
    1,
  ],
  ['a lookup that led nowhere stays', join(query('dns_nxdomain_error', of('a'))), 1],
])('onceForEachPort(): %s', (_what, seen, count) => {
  const queries = onceForEachPort(seen)
  expect(queries).toHaveLength(count)
  expect(queries.map((each) => each.x_sonde_copy)).toEqual([undefined, ...Array(count - 1).fill(true)])
})

it('withNetworks() fills both columns where somebody knows, and neither where nobody does', () => {
  const { queries } = join(query(['21.0.0.10', '22.0.0.1']), query('dns_nxdomain_error'))
  const filled = withNetworks(queries, (ip) => (ip === '21.0.0.10' ? { asn: 64500, name: 'A host' } : null))
  expect(filled[0]?.answers).toMatchObject([{ asn: 64500, as_org_name: 'A host' }, { ipv4: '22.0.0.1' }])
  expect(filled[0]?.answers?.[1]).not.toHaveProperty('asn')
  expect(filled[1]?.answers).toBeNull()
})
