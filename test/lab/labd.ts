// The lab's only door: first process of the sandbox, told what to do by JSON lines on stdin, answering on stdout. When
// stdin closes it ends, and with the first process the kernel ends every other and frees every namespace, cable and
// mount, however the other side died. The first line is what it works with.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { caFile, keysFile, type LabKeys } from './keys.ts'
import { assertSandbox, buildNetwork, inNamespace, limitSlowLane, type Namespace, within } from './network.ts'
import { compile, type Policy } from './policy.ts'
import type { LabPrograms } from './programs.ts'
import { type IspKey, isps, resolverFile, translated, translatedResolverFile } from './topology.ts'

/** The first line. */
export interface Equipment extends Pick<LabPrograms, 'boxes'> {
  readonly keys: LabKeys
}

/** What the client may ask. `exec` answers when the program ends, `start` when it has said something. */
export type Order =
  | { readonly do: 'policy'; readonly policy: Policy }
  /** What few need stands from then on: the other country's helpers, or the translator of the device without IPv4. */
  | { readonly do: 'open'; readonly what: 'abroad' | 'translator' }
  | {
      readonly do: 'start'
      readonly namespace: Namespace
      readonly argv: readonly string[]
      readonly env?: Readonly<Record<string, string>>
    }
  | {
      readonly do: 'exec'
      readonly namespace: Namespace
      readonly argv: readonly string[]
      readonly env?: Readonly<Record<string, string>>
      /** Written before, by path. They belong under /run/lab, and are gone with the lab. */
      readonly files?: Readonly<Record<string, string>>
      /** Whose resolver a device was given; by default that of its line. */
      readonly resolverOf?: IspKey
      /** Whether the device's clock says that the network set it. By default it does. */
      readonly clockSynced?: boolean
    }

/** One way, in milliseconds: 10 ms there and back, as between towns of one country. */
const delayMs = 5
const programs = '/run/lab/programs'
const program = (name: string) => join(programs, name)
/** Where systemd leaves word that the clock is right. */
const synchronized = '/run/systemd/timesync/synchronized'

/** Debian's own: the shim of a version manager would want a home. */
const python = '/usr/bin/python3'

assertSandbox()
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
prepareMounts()
takeEquipment(JSON.parse((await lines.next()).value ?? ''))
await buildNetwork()
const providers = new Map<IspKey, ChildProcess>()
const injectors = new Map<IspKey, ChildProcess[]>()
const opened = new Map<string, Promise<unknown>>()
/** Those that let everything pass, their rules being in place. */
const clear = new Set<IspKey>()
await Promise.all([
  startBox('inet', [process.execPath, program('internet.mjs')]),
  startBox('outside', [process.execPath, program('test-helper.mjs')]),
  ...Object.values(isps).flatMap(({ key }) => [
    startBox(`isp-${key}`, [python, program('delay.py'), String(delayMs)]),
    startBox(`isp-${key}`, [process.execPath, program('provider.mjs'), key]).then((box) =>
      providers.set(key, box),
    ),
  ]),
])
for (const { key } of Object.values(isps)) await apply({ isp: key, rules: [] })

process.stdout.write(`${JSON.stringify({ id: 0, value: process.pid })}\n`)
for (let line = await lines.next(); line.done !== true; line = await lines.next()) answer(line.value)
process.exit(0)

async function answer(line: string): Promise<void> {
  const { id, ...order } = JSON.parse(line) as Order & { readonly id: number }
  const answered = await obey(order as Order).then(
    (value) => ({ id, value }),
    (error) => ({ id, error: String(error) }),
  )
  process.stdout.write(`${JSON.stringify(answered)}\n`)
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'policy':
      return apply(order.policy)
    case 'open':
      opened.set(order.what, opened.get(order.what) ?? open(order.what))
      return void (await opened.get(order.what))
    case 'exec':
      return onDevice(order)
    case 'start':
      await startBox(order.namespace, order.argv, order.env)
      return null
    default:
      return order satisfies never
  }
}

/** /run and the resolver's file are the lab's own from here on. */
function prepareMounts(): void {
  const resolver = realpathSync('/etc/resolv.conf')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'lab', '/run'])
  mkdirSync('/run/netns')
  mkdirSync('/run/lab')
  mkdirSync(dirname(synchronized), { recursive: true })
  writeFileSync(synchronized, '')
  if (resolver.startsWith('/run/')) {
    mkdirSync(dirname(resolver), { recursive: true })
    writeFileSync(resolver, '')
  }
  for (const isp of Object.values(isps)) writeFileSync(resolverFile(isp.key), `nameserver ${isp.resolver}\n`)
  writeFileSync(translatedResolverFile, `nameserver ${translated.resolver}\n`)
}

function takeEquipment({ keys, boxes }: Equipment): void {
  writeFileSync(keysFile, JSON.stringify(keys))
  writeFileSync(caFile, keys.caPem)
  mkdirSync(programs)
  for (const [name, text] of Object.entries(boxes)) writeFileSync(program(name), text)
}

/** @returns When it has printed `ready`. */
async function startBox(
  namespace: Namespace,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const [file, args] = within(namespace, argv)
  const box = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<never>((_, reject) =>
    box.once('exit', (code) =>
      reject(new Error(`A box ended with ${code}: ${argv.join(' ')} in ${namespace}`)),
    ),
  )
  // Whoever lost the race: an injector is killed when its rule is lifted, and a box that dies later shows in the rows.
  ended.catch(() => {})
  await Promise.race([once(box.stdout, 'data'), ended])
  return box
}

function open(what: 'abroad' | 'translator'): Promise<unknown> {
  if (what === 'abroad') return startBox('abroad', [process.execPath, program('test-helper.mjs'), 'abroad'])
  const { prefix, device, pool } = translated
  return startBox('nat64', [python, program('nat64.py'), 'eth0', prefix, device, pool])
}

async function apply(policy: Policy): Promise<void> {
  const isClear = policy.rules.length === 0
  // The commonest of orders, and five programs each time.
  if (isClear && clear.has(policy.isp)) return
  clear.delete(policy.isp)
  await replaceRules(policy)
  if (isClear) clear.add(policy.isp)
}

async function replaceRules(policy: Policy): Promise<void> {
  const isp = isps[policy.isp]
  const router = `isp-${isp.key}` as const
  const { nft, iptables, slowKbit, answers, injections } = compile(policy, isp)
  for (const injector of injectors.get(isp.key) ?? []) injector.kill('SIGKILL')
  inNamespace(router, ['nft', '-f', '-'], nft)
  inNamespace(router, ['iptables-restore', '-T', 'filter'], iptables)
  inNamespace(router, ['ip6tables-restore', '-T', 'filter'], iptables)
  if (slowKbit !== null) limitSlowLane(isp.key, slowKbit)
  const provider = providers.get(isp.key)
  if (!provider?.stdin || !provider.stdout) throw new Error(`The boxes of ${isp.name} are gone`)
  provider.stdin.write(`${JSON.stringify(answers)}\n`)
  await once(provider.stdout, 'data')
  const started = injections.map((told) => startBox(router, [python, program('inject.py'), 'cust', ...told]))
  injectors.set(isp.key, await Promise.all(started))
}

/** A program of a device: with the provider's resolver, and a clock of the quality it should have. */
async function onDevice({
  namespace,
  argv,
  env,
  files = {},
  resolverOf = namespace === 'dev-m' ? 'm' : 'o',
  clockSynced = true,
}: Order & { do: 'exec' }) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const resolvers = namespace === 'dev-6' ? translatedResolverFile : resolverFile(resolverOf)
  const mounts = [
    namespace.startsWith('dev-') ? `mount --bind ${resolvers} "$(readlink -f /etc/resolv.conf)"` : ':',
    clockSynced ? ':' : 'mount -t tmpfs none /run/systemd',
  ]
  const shell = ['unshare', '--mount', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh']
  const [file, args] = within(namespace, [...shell, ...argv])
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}
