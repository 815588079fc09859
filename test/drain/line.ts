// First process of a sandbox: a device, a collector, and between them a line of 100 kbit/s with 600 ms there and back, on
// which a fifth of all packets are lost each way and every flow is forgotten 15 s after it began, without a word to
// anybody. Enrols over a good line, then makes it bad and lets the device drain its spool. Prints the figures as JSON.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const [, , stateFolder = '', collectorBundle = '', wantedBytes = '1000000'] = process.argv
const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const collectorAddress = '192.0.2.2'
const mtu = 1_400

const rules = `
table ip line {
  set alive { type inet_service; flags dynamic,timeout; timeout 15s; size 65535; }
  chain through {
    type filter hook forward priority 0;
    iifname "to-dev" tcp flags & (syn | ack) == syn add @alive { tcp sport }
    iifname "to-dev" tcp sport != @alive drop
    iifname "to-col" tcp dport != @alive drop
    numgen random mod 100 < 20 drop
  }
}
`

if (process.pid !== 1) throw new Error('This is not the first process of a sandbox')
build()
const collector = start('col', [
  collectorBundle,
  'serve',
  '--state',
  `${stateFolder}/collector`,
  '--host',
  collectorAddress,
  '--readers',
  'anyone',
  '--log',
  'error',
])
const url = await listening(collector)
const token = run('col', [
  process.execPath,
  collectorBundle,
  'token',
  '--state',
  `${stateFolder}/collector`,
]).trim()
const device = start('dev', [beside('device.ts'), `${stateFolder}/device`, url, token, wantedBytes])
const lines = createInterface({ input: device.stdout })[Symbol.asyncIterator]()
await lines.next()
await makeBad()
const before = carried()
device.stdin.write('\n')
const figures = JSON.parse((await lines.next()).value ?? 'null')
process.stdout.write(`${JSON.stringify({ ...figures, wire: carried() - before })}\n`)
process.exit(0)

function build(): void {
  mkdirSync('/run/netns', { recursive: true })
  const commands = [
    ...['dev', 'line', 'col'].map((name) => `netns add ${name}`),
    `link add eth0 mtu ${mtu} gso_max_segs 1 netns dev type veth peer name to-dev mtu ${mtu} gso_max_segs 1 netns line`,
    `link add eth0 mtu ${mtu} gso_max_segs 1 netns col type veth peer name to-col mtu ${mtu} gso_max_segs 1 netns line`,
  ]
  for (const each of commands) execFileSync('ip', each.split(' '))
  ip('dev', 'addr add 198.51.100.2/24 dev eth0', 'link set eth0 up', 'route add default via 198.51.100.1')
  ip('col', `addr add ${collectorAddress}/24 dev eth0`, 'link set eth0 up', 'route add default via 192.0.2.1')
  ip('line', 'addr add 198.51.100.1/24 dev to-dev', 'link set to-dev up')
  ip('line', 'addr add 192.0.2.1/24 dev to-col', 'link set to-col up')
  run('line', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}

async function makeBad(): Promise<void> {
  for (const link of ['to-dev', 'to-col']) {
    run('line', `tc qdisc add dev ${link} root tbf rate 100kbit burst 3k latency 800ms`.split(' '))
    run('line', `iptables -t mangle -A PREROUTING -i ${link} -j NFQUEUE --queue-num 1`.split(' '))
  }
  const delay = spawn(
    'nsenter',
    ['--net=/run/netns/line', '--', '/usr/bin/python3', beside('../lab/delay.py'), '300'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(delay.stdout, 'data')
  execFileSync('nsenter', ['--net=/run/netns/line', '--', 'nft', '-f', '-'], { input: rules })
}

/** Bytes the device's cable took, headers and what TCP sent again included. */
function carried(): number {
  return Number(run('dev', ['cat', '/sys/class/net/eth0/statistics/tx_bytes']))
}

function ip(namespace: string, ...commands: readonly string[]): void {
  for (const each of commands) run(namespace, ['ip', ...each.split(' ')])
}

function run(namespace: string, argv: readonly string[]): string {
  return execFileSync(
    'nsenter',
    [
      `--net=/run/netns/${namespace}`,
      '--',
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount -t sysfs sysfs /sys && exec "$@"',
      'sh',
      ...argv,
    ],
    { encoding: 'utf8' },
  )
}

function start(namespace: string, argv: readonly string[]) {
  return spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', process.execPath, ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

async function listening(child: ReturnType<typeof start>): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('"listening"')) return String(JSON.parse(line).url)
  }
  throw new Error('The collector does not listen')
}
