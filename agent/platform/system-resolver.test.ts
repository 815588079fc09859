import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemResolver } from './system-resolver.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-resolver-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('systemResolver()', () => {
  it.each([
    ['a public one', 'nameserver 41.73.96.5\n', '41.73.96.5'],
    [
      'the first of two',
      '# made by dhcp\nsearch lan\n  nameserver\t41.73.96.5\nnameserver 9.9.9.9\n',
      '41.73.96.5',
    ],
    ['one of IPv6', 'nameserver 2a02:2a57::53\n', '2a02:2a57::53'],
    ['none that is a router in the house', 'nameserver 192.168.1.1\nnameserver 9.9.9.9\n', null],
    ['none that is this machine', 'nameserver 127.0.0.53\noptions edns0\n', null],
    ['none that is commented out', '#nameserver 41.73.96.5\n', null],
    ['none that is a name', 'nameserver dns.example\n', null],
    ['none of an empty file', '', null],
  ])('gives %s', async (name, text, expected) => {
    const path = join(folder, name.replaceAll(' ', '-'))
    writeFileSync(path, text)
    expect(await systemResolver(path)).toBe(expected)
  })

  it('gives none where there is no file, or a folder', async () => {
    expect(await systemResolver(join(folder, 'none'))).toBeNull()
    expect(await systemResolver(folder)).toBeNull()
  })
})
