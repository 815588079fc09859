// The uplink of a device with two links, on a real network stack: it changes only with the link that is measured
// over. Runs in a network namespace of its own.

import { spawnSync } from 'node:child_process'
import type { NetworkInterfaceInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type OwnAddresses, ownAddresses } from './own-addresses.ts'

const script = fileURLToPath(new URL('../../test/support/changing-links.ts', import.meta.url))
const asRoot = process.getuid?.() === 0

/** A link to Orange with the default route, and one to Malitel that packets from its own address take. */
const setUp = [
  'ip link set lo up',
  ...['orange', 'malitel'].map(
    (name) =>
      `ip link add ${name} type veth peer ${name}9 && ip link set ${name} up && ip link set ${name}9 up`,
  ),
  'ip addr add 21.1.0.2/24 dev orange && ip addr add 21.2.0.2/24 dev malitel',
  'ip -6 addr add 2d00:2::2/64 dev malitel nodad',
  'ip route add default via 21.1.0.1 dev orange',
  'ip route add default via 21.2.0.1 dev malitel table 7 && ip rule add from 21.2.0.2 lookup 7',
]

type Look = Readonly<Record<'bound' | 'free', OwnAddresses>>

function looksInNamespace(localAddress: string, ...commands: string[]): readonly Look[] | string {
  const enter = ['--net', ...(asRoot ? [] : ['--user', '--map-root-user'])]
  const run = `${setUp.join(' && ')} && exec "$0" --import tsx "$@"`
  const argv = [...enter, 'sh', '-c', run, process.execPath, script, localAddress, ...commands]
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  const { status, stdout, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 60_000, env })
  return status === 0 ? JSON.parse(stdout) : stderr
}

const commands = [
  'ip route del default dev orange',
  'ip link del orange',
  'ip -6 addr add 2d00:2::3/64 dev malitel nodad',
  'ip addr add 21.9.0.2/24 dev malitel',
  'ip route del default table 7',
  'ip addr del 21.2.0.2/24 dev malitel',
]
const looks = looksInNamespace('21.2.0.2', ...commands)
if (typeof looks === 'string') {
  console.warn(`The suite of changing links DID NOT RUN: no network namespace here. ${looks}
Install what is missing: apt-get install iproute2 util-linux`)
}

describe.runIf(typeof looks !== 'string')('ownAddresses() of an interface that is named', () => {
  it('finds its addresses anew each time, and none when it is gone', () => {
    const renumbered = 'ip addr flush dev malitel && ip addr add 21.2.0.9/24 dev malitel'
    const seen = looksInNamespace('malitel', renumbered, 'ip link del malitel')
    expect((seen as readonly Look[]).map(({ bound }) => bound.sources)).toEqual([
      { ipv4: '21.2.0.2', ipv6: '2d00:2::2' },
      { ipv4: '21.2.0.9', ipv6: null },
      { ipv4: null, ipv6: null },
    ])
    const [before, after] = seen as readonly Look[]
    expect(before?.bound).toMatchObject({ ipv4: true, ipv6: false })
    expect(after?.bound.uplink).not.toBe(before?.bound.uplink)
  })
})

describe.runIf(typeof looks !== 'string')('ownAddresses() of a device with two links', () => {
  /** Whether the uplink after the command with this number differs from the one before it. */
  const changed = (command: number, of: keyof Look) => {
    const [before, after] = [looks[command] as Look, looks[command + 1] as Look]
    return before[of].uplink !== after[of].uplink
  }

  it.each([
    ['the default route of the other link goes', 0, false],
    ['the other link goes', 1, false],
    ['an address of the other family comes', 2, false],
    ['its link comes into another network', 3, true],
    ['its way out goes', 4, true],
    ['its address goes', 5, true],
  ])('measured over a chosen address, when %s', (_, command, expected) => {
    expect(changed(command, 'bound')).toBe(expected)
  })

  it('measured over the default route, it changes with that', () => {
    expect(changed(0, 'free')).toBe(true)
    expect(changed(4, 'free')).toBe(false)
  })

  it('knows the addresses of both links, to keep them out of the data', () => {
    const [first] = looks as readonly Look[]
    for (const { addresses } of [first?.bound, first?.free] as OwnAddresses[])
      expect(addresses).toEqual(expect.arrayContaining(['21.1.0.2', '21.2.0.2', '2d00:2::2']))
  })
})

describe('ownAddresses()', () => {
  const on = (address: string, cidr: string): NetworkInterfaceInfo => ({
    ...(address.includes(':') ? { family: 'IPv6', scopeid: 0 } : { family: 'IPv4' }),
    ...{ address, cidr, netmask: '', mac: '', internal: false },
  })
  const uplinkOver = async (address: string, ...all: NetworkInterfaceInfo[]) =>
    (await ownAddresses(address, () => ({ wlan0: all }))).uplink

  it('takes a temporary address of the same network for no change, and one of another network for one', async () => {
    const own = on('2d00:2::2', '2d00:2::2/64')
    const alone = await uplinkOver('2d00:2::2', own)
    expect(await uplinkOver('2d00:2::2', own, on('2d00:2::aaaa', '2d00:2::aaaa/64'))).toBe(alone)
    expect(await uplinkOver('2d00:2::2', own, on('2d00:3::2', '2d00:3::2/64'))).not.toBe(alone)
  })

  it('sees that an address moved to another interface', async () => {
    const own = on('127.0.0.9', '127.0.0.9/8')
    const { uplink } = await ownAddresses('127.0.0.9', () => ({ usb0: [own] }))
    expect(uplink).not.toBe(await uplinkOver('127.0.0.9', own))
  })

  it('does without the list of interfaces, which phones refuse', async () => {
    const refuse = () => {
      throw Object.assign(new Error('getifaddrs'), { code: 'EACCES' })
    }
    expect((await ownAddresses('21.2.0.2', refuse)).addresses).toContain('21.2.0.2')
    expect((await ownAddresses(null, refuse)).ipv6).toBe((await ownAddresses(null)).ipv6)
  })

  it('takes loopback for no address of its own: every machine has it', async () => {
    expect((await ownAddresses('127.0.0.1')).addresses).not.toContain('127.0.0.1')
  })

  it('has no way to IPv6 from an address of IPv4, and none to IPv4 from one of IPv6', async () => {
    expect(await ownAddresses('127.0.0.1')).toMatchObject({ ipv4: true, ipv6: false })
    expect((await ownAddresses('::1')).ipv4).toBe(false)
  })

  it('knows the networks that it shares with its neighbours, and takes none so large that strangers are in it', async () => {
    const inAll = { netmask: '', mac: '', internal: false }
    const lan = {
      eth0: [
        { ...inAll, address: '21.1.0.2', cidr: '21.1.0.2/24', family: 'IPv4' as const },
        { ...inAll, address: '2d00:2::7', cidr: '2d00:2::7/56', family: 'IPv6' as const, scopeid: 0 },
      ],
      eth1: [{ ...inAll, address: '21.5.0.2', cidr: '21.5.0.2/20', family: 'IPv4' as const }],
    }
    const { networks } = await ownAddresses('127.0.0.1', () => lan)
    expect(networks).toEqual(
      expect.arrayContaining(['21.1.0.2/32', '21.1.0.2/24', '2d00:2::7/64', '21.5.0.2/32']),
    )
    expect(networks).not.toContain('21.5.0.2/20')
  })
})
