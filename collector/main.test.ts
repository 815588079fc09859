// The collector as its operator meets it: a program that is bundled, started, asked, stopped and killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle, collectorOptions, root } from '../build/bundle.ts'
import { isModern, modernNode } from '../build/modern-node.ts'
import { installedNodes } from '../build/nodes.ts'
import { type SampleBatch, SampleProbe, sampleMeasurement } from '../test/support/sample-probe.ts'
import { batchMediaType, verifyBatch } from '../tests-spec/protocol/batch.ts'
import { openReceipt } from '../tests-spec/protocol/receipt.ts'
import { openCollectorKey } from './archive/collector-key.ts'
import { TokenBox } from './archive/token-box.ts'

/** Inside the repository, where the packages it imports are found. */
const program = join(root, 'node_modules', '.cache', `sonde-collector-${process.pid}.mjs`)
let state: string
const started = new Set<ChildProcess>()

beforeAll(async () => bundle('collector/main.ts', program, await collectorOptions()))
afterAll(() => rm(program, { force: true }))
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'sonde-process-'))
})
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL')
  started.clear()
  await rm(state, { recursive: true })
})

function start(args: readonly string[], node = modernNode()) {
  const child = spawn(node, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  started.add(child)
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  return { child, exited, stdout: child.stdout, stderr: child.stderr }
}

async function run(args: readonly string[], node?: string) {
  const { exited, stdout, stderr } = start(args, node)
  const [out, err, { code }] = await Promise.all([text(stdout), text(stderr), exited])
  return { code, out, err }
}

async function serve(...more: string[]) {
  const { child, exited, stdout, stderr } = start(['serve', '--state', state, '--port', '0', ...more])
  const log = text(stderr)
  const [line] = await Promise.race([
    once(createInterface(stdout), 'line'),
    exited.then(async () => Promise.reject(new Error(await log))),
  ])
  const { event, url } = JSON.parse(line)
  expect(event).toBe('listening')
  return { child, exited, log, url: String(url) }
}

async function enrol(url: string, token: string): Promise<SampleProbe> {
  const probe = new SampleProbe()
  const body = JSON.stringify(probe.enrolmentRequest(token))
  const answer = await fetch(`${url}/v1/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(answer.status).toBe(201)
  probe.enrolled(Buffer.from(await answer.arrayBuffer()))
  return probe
}

async function post(url: string, { bytes }: SampleBatch): Promise<{ status: number; receipt: Buffer }> {
  const headers = { 'content-type': batchMediaType }
  const answer = await fetch(`${url}/v1/batches`, { method: 'POST', headers, body: new Uint8Array(bytes) })
  return { status: answer.status, receipt: Buffer.from(await answer.arrayBuffer()) }
}

describe('sonde-collector revoke', () => {
  it('works while the collector runs, says what it did, and can be taken back', async () => {
    const { url } = await serve()
    const token = async () => (await run(['token', '--state', state])).out.trim()
    const probe = await enrol(url, await token())
    const revoked = await run(['revoke', probe.device, '--state', state])
    expect(revoked).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(revoked.out)).toEqual({ event: 'revoked', device: probe.device })
    const batch = probe.next()
    expect((await post(url, batch)).status).toBe(403)
    expect(await run(['revoke', probe.device, '--undo', '--state', state])).toMatchObject({ code: 0 })
    expect((await post(url, batch)).status).toBe(201)
  })

  it('of a probe that is not enrolled fails, with a code', async () => {
    await run(['token', '--state', state])
    const { code, err } = await run(['revoke', 'a'.repeat(32), '--state', state])
    expect(code).toBe(66)
    expect(err).toMatch(/^sonde-collector: No probe a+ is enrolled in .*\. \[unknown_probe\]\n$/)
  })
})

describe('sonde-collector serve --endpoints', () => {
  const endpoints = [
    { kind: 'collector', url: 'https://collector.example:8443' },
    {
      kind: 'collector',
      url: 'https://collector.example',
      ip: '192.0.2.7',
      sni: null,
      pins: [`${'A'.repeat(43)}=`],
    },
  ]

  it('puts them into the records of those who enrol, signed', async () => {
    const file = join(state, 'endpoints.json')
    await writeFile(file, JSON.stringify(endpoints))
    const { url } = await serve('--endpoints', file)
    const probe = await enrol(url, (await run(['token', '--state', state])).out.trim())
    expect(probe.endpoints).toEqual(endpoints)
  })

  it.each([
    ['is not there', null, 'ENOENT'],
    ['is not JSON', '[\n  {}\n  {}\n]', 'endpoints.json:3:3: expected a comma or ]'],
    ['is no list', '{}', 'Array'],
    ['names nonsense', JSON.stringify([endpoints[0], { kind: 'collector', url: 'collector' }]), '1.url'],
    ['has a field that means nothing', JSON.stringify([{ ...endpoints[0], port: 1 }]), '0.port'],
  ])('refuses to start when the file %s, and says what is wrong', async (_, content, words) => {
    const file = join(state, 'endpoints.json')
    if (content !== null) await writeFile(file, content)
    const { code, err } = await run(['serve', '--state', state, '--port', '0', '--endpoints', file])
    expect(code).toBe(78)
    expect(err).toMatch(/^sonde-collector: Cannot use the endpoints in .* \[bad_endpoints\]\n$/)
    expect(err).toContain(words)
  })
})

describe('sonde-collector', () => {
  it('says how it is used, and which one it is', async () => {
    const help = await run(['--help'])
    expect(help).toMatchObject({ code: 0, err: '' })
    expect(help.out).toContain('serve')
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^sonde-collector \d+\.\d+\.\d+\n$/),
    })
  })

  it.each([
    ['nothing to do', [], /^sonde-collector: Say what to do: .* \[bad_usage\]\n$/],
    [
      'an option it does not know',
      ['serve', '--stat', 'x'],
      /Did you mean --state\?\n.*\n?.* \[bad_usage\]\n$/,
    ],
  ])('ends with 64 when there is %s', async (_, args, words) => {
    expect(await run(args)).toEqual({ code: 64, out: '', err: expect.stringMatching(words) })
  })

  it('ends with 73 and a code when the state cannot be used', async () => {
    const file = join(state, 'file')
    await writeFile(file, '')
    const { code, err } = await run(['serve', '--state', file])
    expect({ code, err }).toEqual({
      code: 73,
      err: expect.stringMatching(
        /^sonde-collector: Cannot make the state folder .*: EEXIST: .*--state DIR.*\[state_unusable\]\n$/,
      ),
    })
  })

  it.each([
    ['import', ['.']],
    ['recipient', []],
    ['revoke', ['a'.repeat(32)]],
    ['rebuild-index', []],
    ['verify', ['x.psb']],
    ['export', []],
  ])('%s makes no state where there is none', async (name, operands) => {
    for (const where of [state, join(state, 'mistyped')]) {
      const { code, out, err } = await run([name, ...operands, '--state', where])
      expect({ code, out }).toEqual({ code: 66, out: '' })
      expect(err).toMatch(/^sonde-collector: There is no collector's state in .* \[no_state\]\n$/)
    }
    expect(await readdir(state)).toEqual([])
  })

  it('says that a stick cannot be read, and of its lock what is wrong with it', async () => {
    await run(['token', '--state', state])
    const stick = join(state, 'nowhere')
    expect(await run(['import', stick, '--state', state])).toMatchObject({
      code: 74,
      err: expect.stringContaining('[stick_unusable]'),
    })
    await rm(join(state, 'lock'))
    await mkdir(join(state, 'lock'))
    expect(await run(['serve', '--state', state])).toMatchObject({
      code: 73,
      err: expect.stringMatching(/^sonde-collector: Cannot lock .*\[state_unusable\]\n$/),
    })
  })

  it('ends with 69 and a code when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, err } = await run(['serve', '--state', state, '--port', String(port)])
    other.close()
    expect(code).toBe(69)
    expect(err).toMatch(/^sonde-collector: Cannot listen on 127\.0\.0\.1, port \d+: .*\[port_in_use\]\n$/m)
  })

  const old = isModern(process.versions.node)
    ? installedNodes().find(({ major }) => major === '20')?.path
    : process.execPath
  const tooOld = { code: 69, out: '', err: expect.stringMatching(/Node.js 22.13.* \[node_too_old\]\n$/) }
  it.skipIf(old === undefined)(
    'ends with 69 and a code under a Node.js that is too old, before it makes anything',
    async () => {
      expect(await run(['serve', '--state', join(state, 'new')], old)).toEqual(tooOld)
      expect(await readdir(state)).toEqual([])
    },
  )

  it.skipIf(old === undefined)('does under an older Node.js what needs no index', async () => {
    for (const [command, ...operands] of [
      ['token'],
      ['recipient'],
      ['revoke', 'a'.repeat(32)],
      ['verify', program],
    ] as const) {
      const { code, err } = await run([command, ...operands, '--state', state], old)
      expect({ code, err }).toMatchObject({
        code: { token: 0, recipient: 0, revoke: 66, verify: 1 }[command],
        err: expect.not.stringContaining('node_too_old'),
      })
    }
    for (const args of [['import', '.'], ['rebuild-index'], ['export']])
      expect(await run([...args, '--state', state], old)).toEqual(tooOld)
  })

  it('enrols with a token, receives, shows, stops cleanly and goes on', async () => {
    const first = await serve()
    const { out: token } = await run(['token', '--state', state])
    const probe = await enrol(first.url, token)
    expect((await post(first.url, probe.next())).status).toBe(201)
    expect(await (await fetch(first.url)).text()).toContain('https://site.test/')
    first.child.kill('SIGTERM')
    expect(await first.exited).toEqual({ code: 0, signal: null })
    const lines = (await first.log).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).code)).toEqual(
      expect.arrayContaining([
        'archive_read',
        'listening',
        'probe_enrolled',
        'batch_stored',
        'stopping',
        'stopped',
      ]),
    )
    const second = await serve()
    expect((await post(second.url, probe.next())).status).toBe(201)
    second.child.kill('SIGINT')
    expect(await second.exited).toEqual({ code: 0, signal: null })
    expect((await stat(join(state, 'collector-key'))).mode & 0o777).toBe(0o600)
  })

  it('lets one process have a state folder, and does not mind one that was killed', async () => {
    const first = await serve()
    expect(await run(['serve', '--state', state, '--port', '0'])).toMatchObject({
      code: 75,
      err: expect.stringContaining('[state_in_use]'),
    })
    expect((await run(['rebuild-index', '--state', state])).code).toBe(75)
    first.child.kill('SIGKILL')
    await first.exited
    await serve()
  })

  it('makes the index again from the archive alone', async () => {
    const first = await serve()
    const probe = await enrol(first.url, (await run(['token', '--state', state])).out)
    for (let i = 0; i < 3; i++)
      await post(first.url, probe.next([sampleMeasurement({ input: `https://${i}.test/` })]))
    const before = await (await fetch(`${first.url}/api/v1/measurements`)).text()
    expect(before.trim().split('\n')).toHaveLength(3)
    first.child.kill('SIGTERM')
    await first.exited
    for (const name of await readdir(state)) if (name.startsWith('index.sqlite')) await rm(join(state, name))
    const { code, out } = await run(['rebuild-index', '--state', state])
    expect(code).toBe(0)
    expect(JSON.parse(out.trim().split('\n').at(-1) ?? '')).toEqual({
      event: 'rebuilt',
      batches: 3,
      of: 3,
      damaged: 0,
    })
    const second = await serve()
    expect(await (await fetch(`${second.url}/api/v1/measurements`)).text()).toBe(before)
  })

  it('exports beside a collector that serves, and after it, to a pipe and into files', async () => {
    const first = await serve()
    const probe = await enrol(first.url, (await run(['token', '--state', state])).out)
    for (let i = 0; i < 3; i++)
      await post(first.url, probe.next([sampleMeasurement({ input: `https://${i}.test/` })]))
    const served = await (await fetch(`${first.url}/api/v1/measurements`)).text()
    const ask = (...args: string[]) => run(['export', '--state', state, ...args])
    expect(await ask()).toMatchObject({ code: 0, out: served })
    first.child.kill('SIGTERM')
    await first.exited
    expect(await ask()).toMatchObject({ code: 0, out: served })
    expect((await ask('--csv', '--input', 'https://1.test/')).out.trim().split('\n')).toHaveLength(2)
    expect((await ask('--kept', '--verdict', 'anomaly')).out).toBe('')
    const parquet = join(state, 'all.parquet')
    expect(await ask('--parquet', '--output', parquet)).toMatchObject({ code: 0, err: '3 measurements\n' })
    expect((await readFile(parquet)).subarray(0, 4).toString()).toBe('PAR1')
    const lines = join(state, 'all.jsonl')
    expect((await ask('--output', lines)).code).toBe(0)
    expect(await readFile(lines, 'utf8')).toBe(served)
    for (const [args, code, word] of [
      [['--output', lines], 64, 'bad_usage'],
      [['--csv', '--kept'], 64, 'bad_usage'],
      [['--parquet'], 64, 'bad_usage'],
      [['--since', 'yesterday'], 64, '--since cannot be "yesterday": expected a date'],
      [['--asn-table', lines], 78, 'format (.mmdb). [bad_asn_table]'],
    ] as const)
      expect(await ask(...args)).toMatchObject({ code, out: '', err: expect.stringContaining(word) })
    for (const name of await readdir(state)) if (name.startsWith('index.sqlite')) await rm(join(state, name))
    expect(await ask()).toMatchObject({ code: 66, err: expect.stringContaining('[no_index]') })
  })

  it('ends within seconds although a client never finishes what it sends', async () => {
    const { child, exited, url } = await serve()
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('PSB1')) })
    const headers = { 'content-type': batchMediaType }
    const hanging = fetch(`${url}/v1/batches`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    const broken = hanging.then(
      () => false,
      () => true,
    )
    // Its first bytes are there when a later request has been answered.
    await fetch(`${url}/healthz`)
    child.kill('SIGTERM')
    expect(await exited).toEqual({ code: 0, signal: null })
    expect(await broken).toBe(true)
  })
})

/** One probe under load: sends its chain in order, and again what it has no receipt for. */
interface Sender {
  readonly probe: SampleProbe
  readonly batches: SampleBatch[]
  /** By batch id. */
  readonly receipts: Map<string, Buffer>
}

const kills = process.env.SONDE_DEEP === undefined ? 5 : 50

describe('a collector that is killed under load', () => {
  it(`has every batch it gave a receipt for (${kills} kills)`, {
    timeout: 30_000 + kills * 10_000,
  }, async () => {
    const first = await serve('--log', 'error')
    const key = await openCollectorKey(state)
    const tokens = await TokenBox.open(state)
    const senders: Sender[] = []
    for (let i = 0; i < 8; i++) {
      const probe = await enrol(first.url, await tokens.issue(key.id, Date.now()))
      senders.push({ probe, batches: [], receipts: new Map() })
    }
    let collector = first
    for (let kill = 0; kill < kills; kill++) {
      // Another moment each time: right after the first receipt, or with many behind it.
      await loadUntilKilled(collector, senders, 1 + ((kill * 37) % 60))
      collector = await serve('--log', 'error')
    }
    for (const { probe, receipts } of senders) {
      for (const [id, bytes] of receipts) {
        const file = join(state, 'batches', id.slice(0, 2), id)
        expect(verifyBatch(await readFile(`${file}.psb`), () => probe.publicKey).id).toBe(id)
        expect(openReceipt(bytes, () => key.publicKey).batch).toBe(id)
        expect(await readFile(`${file}.receipt.json`)).toEqual(bytes)
      }
    }
    // And what was under way is taken now, without a break in any chain.
    for (const sender of senders) {
      for (const batch of unsigned(sender))
        expect((await post(collector.url, batch)).status).toBeLessThan(300)
      const { receipt } = await post(collector.url, sender.probe.next())
      expect(openReceipt(receipt, () => key.publicKey)).toMatchObject({
        contiguous: sender.batches.length,
        missing: [],
      })
    }
    const given = senders.reduce((sum, { receipts }) => sum + receipts.size, 0)
    expect(given).toBeGreaterThan(kills)
  })
})

function unsigned({ batches, receipts }: Sender): SampleBatch[] {
  return batches.filter(({ id }) => !receipts.has(id))
}

async function loadUntilKilled(
  { child, exited, url }: Awaited<ReturnType<typeof serve>>,
  senders: readonly Sender[],
  afterReceipts: number,
): Promise<void> {
  let given = 0
  const load = senders.map(async (sender) => {
    for (;;) {
      let [batch] = unsigned(sender)
      if (batch === undefined) {
        batch = sender.probe.next()
        sender.batches.push(batch)
      }
      const answer = await post(url, batch).catch(() => null)
      // The connection broke: the collector is gone, with or without this batch.
      if (answer === null) return
      expect(answer.status).toBeLessThan(300)
      sender.receipts.set(batch.id, answer.receipt)
      if (++given === afterReceipts) child.kill('SIGKILL')
    }
  })
  await Promise.all(load)
  await exited
}
