import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sampleMmdb } from '../../test/support/sample-mmdb.ts'
import { openNetworkTable } from './network-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-networks-'))
afterAll(() => rmSync(folder, { recursive: true }))
const fileOf = (name: string, bytes: Buffer) => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

describe('openNetworkTable()', () => {
  const networks = { 41: { asn: 30985, name: 'Orange Mali' }, 196: { asn: 21271, name: 'Malitel' } }
  const networkOf = openNetworkTable(fileOf('asn.mmdb', sampleMmdb(networks)))

  it.each([
    ['41.73.96.1', { asn: 30985, name: 'Orange Mali' }],
    ['196.200.48.1', { asn: 21271, name: 'Malitel' }],
    ['40.0.0.1', null],
    ['197.0.0.1', null],
    ['2001:db8::1', null],
    ['[scrubbed]', null],
    ['', null],
  ])('says whose %s is', (ip, network) => {
    expect(networkOf(ip)).toEqual(network)
  })

  it.each([
    ['a file that is not there', () => join(folder, 'none.mmdb')],
    ['a folder', () => folder],
    ['an empty file', () => fileOf('empty.mmdb', Buffer.alloc(0))],
    ['a file of something else', () => fileOf('else.mmdb', Buffer.from('not a table'))],
  ])('refuses %s, with a code and what was expected', (_, path) => {
    expect(() => openNetworkTable(path())).toThrow(expect.objectContaining({ code: 'bad_asn_table' }))
    expect(() => openNetworkTable(path())).toThrow(/Expected an ASN database/)
  })
})
