// `npm run bench`: prints what the agent costs. It prints and never fails: on a busy machine times vary by a factor
// of two, and a benchmark that fails on a busy machine is soon ignored. Bytes and memory are steady.
//
// `npm run bench -- size start` prints those tables only.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { agreed } from '../../test/support/agreed.ts'
import { bundle, standalone } from '../bundle.ts'
import { type InstalledNode, installedNodes } from '../nodes.ts'
import { sizeTable } from '../sizes.ts'
import { table } from '../table.ts'
import { v8Flags } from '../v8-flags.ts'
import { blackboxVersion, howToInstall, loadBlackbox } from './blackbox.ts'
import { type Certificate, makeCertificate } from './certificate.ts'
import { median, output, startTarget, type Target } from './child.ts'
import type { CyclesFigures, CyclesOrder } from './cycles.ts'
import { type Content, measureIntake } from './intake.ts'
import type { LoadFigures, LoadOrder } from './load.ts'
import { memoryOf } from './process-figures.ts'
import type { OfflineFigures, OnlineFigures, RecoverFigures, SpoolOrder } from './spool.ts'

const checks = 2_000
const days = 2
const waiting = 100_000
const http1 = ['http/1.1']
/** The protocols that the agent offers: HTTP/2 if Node's is safe to use, and the target accepts it. */
const asOffered = null

interface Bench {
  /** A folder that is deleted at the end. */
  readonly folder: string
  readonly agent: string
  readonly nodes: readonly InstalledNode[]
  readonly certificate: Certificate
  readonly target: Target
  load(): Promise<string>
}

const sections: Readonly<Record<string, { title: string; print(bench: Bench): Promise<string> }>> = {
  size: { title: 'Bundle: bytes by package', print: printSize },
  start: { title: 'Start: milliseconds from spawn to exit, median of 9 interleaved', print: printStart },
  idle: { title: 'Idle: `sonde run` 3 s after an empty cycle, MiB', print: printIdle },
  load: {
    title: `Load: ${checks} checks (DNS, TCP, TLS, HEAD), two at once, operations only; MiB`,
    print: printLoad,
  },
  agent: { title: 'The whole agent: 50 cycles of 40 targets, results on disk; MiB', print: printAgent },
  wire: { title: 'Wire: bytes per check, both ways', print: printWire },
  spool: {
    title: `Spool: ${days} days without a way out and with one, ${waiting} records that wait`,
    print: printSpool,
  },
  intake: { title: 'Intake: the built collector, batches from 16 probes at once; MiB', print: printIntake },
  blackbox: {
    title: `Yardstick: blackbox_exporter, ${checks} checks on the same target; MiB`,
    print: printBlackbox,
  },
}

async function main(wanted: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-bench-'))
  const certificate = makeCertificate(folder)
  const target = await startTarget(certificate)
  try {
    let load: Promise<string> | null = null
    const bench: Bench = {
      folder,
      agent: (await bundle('agent/main.ts', join(folder, 'sonde.mjs'), standalone)).outfile,
      nodes: installedNodes(),
      certificate,
      target,
      load: () => (load ??= bundleLoad(folder)),
    }
    console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Linux ${release()}`)
    console.log(`flags: ${v8Flags.join(' ')}\n`)
    for (const [name, { title, print }] of Object.entries(sections)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      console.log(`${title}\n\n${await print(bench)}\n`)
    }
  } finally {
    target.process.kill()
    rmSync(folder, { recursive: true })
  }
}

async function bundleLoad(folder: string): Promise<string> {
  return (await bundle('build/bench/load.ts', join(folder, 'load.mjs'), standalone)).outfile
}

async function printSize({ folder }: Bench): Promise<string> {
  return sizeTable(await bundle('agent/main.ts', join(folder, 'sonde.mjs'), standalone))
}

/** Starts of the programs alternate, so that a slow minute of the machine affects all of them. */
async function printStart({ folder, agent, nodes }: Bench): Promise<string> {
  const bare = join(folder, 'bare.mjs')
  writeFileSync(bare, '')
  const programs = nodes.flatMap(({ major, path }) => [
    { major, column: 'bare', command: path, args: [bare], ms: [] as number[] },
    { major, column: 'version', command: path, args: [agent, '--version'], ms: [] as number[] },
    { major, column: 'flags', command: path, args: [...v8Flags, agent, '--version'], ms: [] as number[] },
  ])
  for (let round = 0; round < 9; round++) {
    for (const { command, args, ms } of programs) {
      const start = process.hrtime.bigint()
      spawnSync(command, args)
      ms.push(Number(process.hrtime.bigint() - start) / 1e6)
    }
  }
  const of = (major: string, column: string) =>
    median(programs.find((each) => each.major === major && each.column === column)?.ms ?? [])
  return table(
    ['Node', 'bare', 'sonde --version', 'ratio', 'with flags', 'ratio'],
    nodes.map(({ major }) => {
      const bareMs = of(major, 'bare')
      const times = (['version', 'flags'] as const).flatMap((column) => [
        of(major, column).toFixed(0),
        (of(major, column) / bareMs).toFixed(2),
      ])
      return [major, bareMs.toFixed(0), ...times]
    }),
  )
}

async function printIdle({ folder, agent, nodes }: Bench): Promise<string> {
  const list = join(folder, 'empty-list.json')
  writeFileSync(list, JSON.stringify({ name: 'empty', version: 1, entries: [], controls: [], resolvers: [] }))
  const configuration = join(folder, 'idle.json')
  writeFileSync(configuration, JSON.stringify({ ...agreed, schedule: '0 0 1 1 *', test_list: list }))
  const rows: string[][] = []
  for (const { major, path } of nodes) {
    const cells = [major]
    for (const flags of [[], v8Flags]) {
      const state = mkdtempSync(join(folder, 'idle-'))
      const args = [...flags, agent, 'run', '--state', state, '--config', configuration]
      const child = spawn(path, args, { stdio: 'ignore' })
      // A cycle is over when the agent has written its status.
      while (!existsSync(join(state, 'status.json'))) {
        if (child.exitCode !== null)
          throw new Error(`sonde run ended with ${child.exitCode} on Node ${major}`)
        await pause(100)
      }
      await pause(3_000)
      const { rssMib, peakMib } = memoryOf(child.pid ?? 0)
      child.kill()
      cells.push(rssMib.toFixed(1), peakMib.toFixed(1))
    }
    rows.push(cells)
  }
  return table(['Node', 'RSS', 'peak', 'RSS, flags', 'peak, flags'], rows)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function printLoad(bench: Bench): Promise<string> {
  const load = await bench.load()
  const { dns, https } = bench.target
  const rows: string[][] = []
  for (const { major, path } of bench.nodes) {
    for (const [how, flags, alpn] of [
      ['HTTP/1.1', [], http1],
      ['HTTP/1.1, flags', v8Flags, http1],
      ['as the agent offers, flags', v8Flags, asOffered],
    ] as const) {
      const order: LoadOrder = { dns, https, checks, alpn, ca: bench.certificate.root }
      const figures = JSON.parse(await output(path, [...flags, load, JSON.stringify(order)])) as LoadFigures
      rows.push([
        `${major} ${how}`,
        figures.startRssMib.toFixed(1),
        figures.endRssMib.toFixed(1),
        figures.peakMib.toFixed(1),
        figures.cpuMsPerCheck.toFixed(2),
        figures.warmCpuMsPerCheck.toFixed(2),
      ])
    }
  }
  return table(['Node', 'RSS start', 'RSS end', 'peak', 'CPU ms/check', 'second half'], rows)
}

async function printAgent({ folder, nodes, target, certificate }: Bench): Promise<string> {
  const { outfile } = await bundle('build/bench/cycles.ts', join(folder, 'cycles.mjs'), standalone)
  const site = `https://localhost:${target.https}`
  const list = join(folder, 'list.json')
  const entries = Array.from({ length: 40 }, (_, index) => ({
    nettest: 'web_connectivity',
    input: `${site}/${index}`,
    category_code: 'MISC',
  }))
  const resolvers = [{ transport: 'udp', ip: '127.0.0.1', port: target.dns }]
  const controls = [{ url: `${site}/control`, expect: { status: 200 } }]
  writeFileSync(list, JSON.stringify({ name: 'bench', version: 1, entries, controls, resolvers }))
  const configuration = join(folder, 'agent.json')
  // Sixteen tasks run at once, because each waits half a second for contradicting DNS replies and the table should
  // not take long.
  const settings = { lab: true, test_list: list, extra_ca: [certificate.root], concurrency: 16 }
  writeFileSync(configuration, JSON.stringify(settings))
  const row = async ({ major, path }: InstalledNode) => {
    const state = join(folder, `agent-${major}`)
    mkdirSync(state)
    const order: CyclesOrder = { cycles: 50, state, configuration }
    const figures = JSON.parse(
      await output(path, [...v8Flags, outfile, JSON.stringify(order)]),
    ) as CyclesFigures
    return [
      `${major}, flags`,
      figures.startRssMib.toFixed(1),
      figures.endRssMib.toFixed(1),
      figures.peakMib.toFixed(1),
      figures.cpuMsPerMeasurement.toFixed(2),
      figures.payloadBytesPerMeasurement.toFixed(0),
      figures.diskBytesPerMeasurement.toFixed(0),
      String(figures.flushes),
      `${figures.anomalies} of ${figures.measurements}`,
    ]
  }
  // All versions run at once: most of the time each waits for replies that do not come.
  const rows = await Promise.all(nodes.map(row))
  return table(
    [
      'Node',
      'RSS start',
      'RSS end',
      'peak',
      'CPU ms each',
      'payload B each',
      'disk B each',
      'flushes',
      'not ok',
    ],
    rows,
  )
}

async function printWire(bench: Bench): Promise<string> {
  const load = await bench.load()
  const path = fileURLToPath(new URL('wire.ts', import.meta.url))
  const rows: string[][] = []
  for (const [name, alpn] of [
    ['HTTP/1.1', http1],
    ['HTTP/2', ['h2']],
  ] as const) {
    const { dns, https } = bench.target
    const order: LoadOrder = { dns, https, checks: 200, alpn, ca: bench.certificate.root }
    const { payloadBytesPerCheck } = JSON.parse(
      await output(process.execPath, [load, JSON.stringify(order)]),
    ) as LoadFigures
    const args = [
      process.execPath,
      '--import',
      'tsx',
      path,
      load,
      JSON.stringify(bench.certificate),
      JSON.stringify(alpn),
    ]
    rows.push([name, payloadBytesPerCheck.toFixed(0), await inNamespace(args)])
  }
  return `${table(['one check', 'payload', 'with IP, TCP and UDP headers'], rows)}\n\nThe chain sent is ${bench.certificate.chainBytes} B of it.`
}

/** Packets are limited to the size on a real link: the loopback would otherwise carry 64 kB in one packet. */
async function inNamespace(command: readonly string[]): Promise<string> {
  const setUp = 'ip link set lo mtu 1500 gso_max_segs 1 up && exec "$@"'
  try {
    return Number(await output('unshare', ['--net', 'sh', '-c', setUp, 'sh', ...command])).toFixed(0)
  } catch {
    return 'needs root and iproute2'
  }
}

async function printSpool({ folder }: Bench): Promise<string> {
  const { outfile } = await bundle('build/bench/spool.ts', join(folder, 'spool.mjs'), standalone)
  const run = async (order: SpoolOrder) =>
    JSON.parse(await output(process.execPath, [...v8Flags, outfile, JSON.stringify(order)]))
  const sealed: OfflineFigures = await run({
    do: 'offline',
    dir: join(folder, 'offline'),
    count: days,
  })
  const delivered: OnlineFigures = await run({ do: 'online', dir: join(folder, 'online'), count: days })
  const dir = join(folder, 'waiting')
  await run({ do: 'wait', dir, count: waiting })
  const recovered: RecoverFigures = await run({ do: 'recover', dir, count: 0 })
  const rows = [
    ['appends a second, in groups of a cycle', sealed.appendsPerSecond.toFixed(0)],
    ['bytes written for each byte of a record', sealed.writeAmplification.toFixed(2)],
    ['flushes a day', sealed.flushesADay.toFixed(0)],
    ['MB written a day, sealing included', sealed.megabytesADay.toFixed(2)],
    ['flushes a day, each cycle delivered', delivered.flushesADay.toFixed(0)],
    ['MB written a day, each cycle delivered', delivered.megabytesADay.toFixed(2)],
    ['bytes of a measurement sent, each cycle delivered', delivered.sentBytes.toFixed(0)],
    ['bytes of a measurement, JSON', sealed.jsonBytes.toFixed(0)],
    ['bytes of a measurement at rest, unsealed', sealed.storedBytes.toFixed(0)],
    ['bytes of a measurement sent, and at rest when sealed', sealed.sentBytes.toFixed(0)],
    ['measurements in a batch', sealed.recordsABatch.toFixed(0)],
    ['ms to seal a batch', sealed.sealMs.toFixed(1)],
    ['ms to verify and unpack a batch', sealed.verifyMs.toFixed(1)],
    [
      `ms to recover ${recovered.records} records in ${recovered.megabytes.toFixed(0)} MB`,
      recovered.ms.toFixed(0),
    ],
    ['MiB resident after that', recovered.rssMib.toFixed(1)],
  ]
  return table(['what', 'figure'], rows)
}

async function printIntake({ folder }: Bench): Promise<string> {
  const rows: string[][] = []
  for (const [content, name, each] of [
    ['noise', 'nothing to index', 60],
    ['measurements', '100 measurements each, indexed meanwhile', 20],
  ] as const satisfies readonly (readonly [Content, string, number])[]) {
    const figures = await measureIntake(join(folder, `collector-${content}`), content, each)
    rows.push([
      name,
      String(figures.batches),
      figures.bytesEach.toFixed(0),
      figures.perSecond.toFixed(0),
      figures.p50Ms.toFixed(1),
      figures.p99Ms.toFixed(1),
      figures.rssMib.toFixed(1),
      figures.peakMib.toFixed(1),
    ])
  }
  return table(['batches', 'how many', 'bytes each', 'a second', 'ms p50', 'ms p99', 'RSS', 'peak'], rows)
}

async function printBlackbox({ folder, target, certificate }: Bench): Promise<string> {
  const installed = blackboxVersion()
  if (installed === null) return `Not installed: ${howToInstall}`
  const figures = await loadBlackbox(installed.command, folder, target, certificate, checks)
  const row = [
    `blackbox_exporter ${installed.version}`,
    figures.startRssMib.toFixed(1),
    figures.endRssMib.toFixed(1),
    figures.peakMib.toFixed(1),
    figures.cpuMsPerCheck.toFixed(2),
  ]
  const note = 'It keeps nothing, signs nothing and is asked over HTTP, which is in its time and not in ours.'
  return `${table(['program', 'RSS start', 'RSS end', 'peak', 'CPU ms/check'], [row])}\n\n${note}`
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in sections))
if (unknown.length > 0) {
  console.error(`There is no table "${unknown[0]}". There are: ${Object.keys(sections).join(' ')}`)
  process.exitCode = 64
} else {
  await main(wanted)
}
