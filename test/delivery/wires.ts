// Three network namespaces of one sandbox: a device, a line and a server, for lines that a relay cannot imitate, because
// packets matter on them.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const serverAddress = '192.0.2.2'
const deviceAddress = '198.51.100.2'
const mtu = 1_500

/** Lines as people have them. */
export const lines = {
  fast: 'as fast as the machine',
  slow: '96 kbit/s, 200 ms there and back',
  lossy: '96 kbit/s, 200 ms, 5 % of all packets lost each way',
  narrow: 'packets over 1,400 bytes are lost, and nobody says so',
  cut: '96 kbit/s, 200 ms, and every connection is reset every 20 s',
} as const
export type LineName = keyof typeof lines

/** What 96 kbit/s are in bytes per millisecond; null: no limit that matters. */
export const bytesPerMs: Readonly<Record<LineName, number | null>> = {
  fast: null,
  slow: 12,
  lossy: 12,
  narrow: null,
  cut: 12,
}

const cutEveryMs = 20_000

export function buildWires(): void {
  mkdirSync('/run/netns', { recursive: true })
  const commands = [
    ...['dev', 'line', 'srv'].map((name) => `netns add ${name}`),
    `link add eth0 mtu ${mtu} gso_max_segs 1 netns dev type veth peer name to-dev mtu ${mtu} gso_max_segs 1 netns line`,
    `link add eth0 mtu ${mtu} gso_max_segs 1 netns srv type veth peer name to-srv mtu ${mtu} gso_max_segs 1 netns line`,
  ]
  for (const each of commands) execFileSync('ip', each.split(' '))
  const ip = (namespace: string, ...all: readonly string[]) => {
    for (const each of all) inside(namespace, ['ip', ...each.split(' ')])
  }
  for (const name of ['dev', 'line', 'srv']) ip(name, 'link set lo up')
  ip('dev', `addr add ${deviceAddress}/24 dev eth0`, 'link set eth0 up', 'route add default via 198.51.100.1')
  ip('srv', `addr add ${serverAddress}/24 dev eth0`, 'link set eth0 up', 'route add default via 192.0.2.1')
  ip('line', 'addr add 198.51.100.1/24 dev to-dev', 'link set to-dev up')
  ip('line', 'addr add 192.0.2.1/24 dev to-srv', 'link set to-srv up')
  inside('line', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}

/** Makes the line what its name says, while nothing is sent over it. */
export async function makeLine(name: LineName): Promise<void> {
  if (name === 'narrow') rules('ip length > 1400 drop')
  if (name === 'fast' || name === 'narrow') return
  for (const link of ['to-dev', 'to-srv']) {
    inside('line', `tc qdisc add dev ${link} root tbf rate 96kbit burst 3k latency 1500ms`.split(' '))
    inside('line', `iptables -t mangle -A PREROUTING -i ${link} -j NFQUEUE --queue-num 1`.split(' '))
  }
  const delay = start('line', [
    '/usr/bin/python3',
    fileURLToPath(new URL('../lab/delay.py', import.meta.url)),
    '100',
  ])
  await once(delay.stdout, 'data')
  if (name === 'lossy') rules('numgen random mod 100 < 5 drop')
  if (name === 'cut') {
    const cut = () => {
      for (const end of ['dev', 'srv'])
        inside(end, ['ss', '-K', 'dst', end === 'dev' ? serverAddress : deviceAddress])
    }
    setInterval(cut, cutEveryMs)
  }
}

/** Bytes that the device's cable took, headers and what TCP sent again included. */
export function carried(): number {
  return Number(inside('dev', ['cat', '/sys/class/net/eth0/statistics/tx_bytes']))
}

function rules(rule: string): void {
  const text = `table ip line {\n chain through {\n type filter hook forward priority 0;\n ${rule}\n }\n}\n`
  execFileSync('nsenter', ['--net=/run/netns/line', '--', 'nft', '-f', '-'], { input: text })
}

export function inside(namespace: string, argv: readonly string[]): string {
  const shell = ['unshare', '--mount', 'sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh', ...argv]
  return execFileSync('nsenter', [`--net=/run/netns/${namespace}`, '--', ...shell], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export function start(namespace: string, argv: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  })
}
