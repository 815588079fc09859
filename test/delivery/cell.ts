// First process of a sandbox: a device, a line, a box, a front and a collector. Enrols over a good line, makes it what the
// cell is about, and lets the device drain its spool. Prints the figures as JSON.

import { createHash, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { selfSigned } from '../support/certificates.ts'
import { type Cell, hasDeadWay } from './cells.ts'
import { fronts } from './fronts.ts'
import { buildWires, carried, inside, makeLine, serverAddress, start } from './wires.ts'

const [, , folder = '', collectorBundle = '', text = ''] = process.argv
const cell = JSON.parse(text) as Cell
const { front, line, box, bytes } = cell
const rudeMs = box === 'portal' || box === 'answers 503' ? 60_000 : 0
const [frontPort, boxPort, inspectedPort, unusedPort] = [8_100, 8_200, 8_300, 8_390]
const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const { scheme, behindProxy, prepare } = fronts[front]

if (process.pid !== 1) throw new Error('This is not the first process of a sandbox')
buildWires()
mkdirSync(folder, { recursive: true })
const state = join(folder, 'collector')
const flags = behindProxy ? ['--behind-proxy'] : []
const own = [collectorBundle, 'serve', '--state', state, '--host', serverAddress, '--log', 'error']
// A front reaches it over loopback, where the addresses that it names are believed.
const onLoopback = [collectorBundle, 'serve', '--state', state, '--log', 'error', '--port', '8080', ...flags]
const collector = start('srv', [
  process.execPath,
  ...(front === 'none' ? [...own, '--port', String(frontPort)] : onLoopback),
])
await saysListening(collector)
const issued = selfSigned({ names: [serverAddress] })
const place = {
  folder,
  address: serverAddress,
  port: frontPort,
  collectorPort: 8080,
  certificate: written('front.pem', issued.cert),
  key: written('front-key.pem', issued.key),
}
const command = prepare(place)
if (command !== null) {
  start('srv', command, { ...process.env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder })
  await untilListening(frontPort)
}
if (box !== 'none') {
  const manner = box === 'TLS inspection' ? 'none' : box
  const argv = [beside('box.ts'), serverAddress, String(boxPort), String(frontPort), manner, String(rudeMs)]
  await once(start('srv', [process.execPath, ...argv]).stdout, 'data')
}
const pins = [pinOf(issued.cert)]
const way = (port: number) => ({
  kind: 'collector',
  url: `${scheme}://${serverAddress}:${port}`,
  ...(scheme === 'https' ? { pins } : {}),
})
const ways = [way(box === 'none' ? frontPort : boxPort)]
if (hasDeadWay(cell)) ways.push(way(unusedPort))
if (box === 'TLS inspection') {
  // Whoever inspects shows a key of its own, and is let in by nobody.
  await once(
    start('srv', [process.execPath, beside('inspector.ts'), serverAddress, String(inspectedPort)]).stdout,
    'data',
  )
  ways.unshift({ kind: 'collector', url: `https://${serverAddress}:${inspectedPort}`, pins })
}
const enrolAt = await enrolmentAddress()
const token = inside('srv', [process.execPath, collectorBundle, 'token', '--state', state]).trim()
const device = start('dev', [
  process.execPath,
  beside('../drain/device.ts'),
  join(folder, 'device'),
  enrolAt,
  token,
  String(bytes),
  JSON.stringify(ways),
])
const said = createInterface({ input: device.stdout })[Symbol.asyncIterator]()
await said.next()
await makeLine(line)
const before = carried()
device.stdin.write('\n')
const figures = JSON.parse((await said.next()).value ?? 'null')
process.stdout.write(`${JSON.stringify({ ...figures, wire: carried() - before, held: heldBatches() })}\n`)
process.exit(0)

/** Enrolment is not what is measured, and a front with a certificate of its own is no place for it. */
async function enrolmentAddress(): Promise<string> {
  if (front === 'none') return `http://${serverAddress}:${frontPort}`
  const port = 8_400
  await once(
    start('srv', [process.execPath, beside('plain-relay.ts'), serverAddress, String(port), '8080']).stdout,
    'data',
  )
  return `http://${serverAddress}:${port}`
}

/** Batches that the collector has kept. */
function heldBatches(): number {
  return inside('srv', ['sh', '-c', `find ${state}/batches -name '*.psb' | wc -l`]).trim() === ''
    ? 0
    : Number(inside('srv', ['sh', '-c', `find ${state}/batches -name '*.psb' | wc -l`]))
}

function written(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function pinOf(certificate: string): string {
  const spki = createPublicKey(certificate).export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64')
}

async function saysListening(child: ReturnType<typeof start>): Promise<void> {
  for await (const each of createInterface({ input: child.stdout })) if (each.includes('"listening"')) return
  throw new Error('The collector does not listen')
}

async function untilListening(port: number): Promise<void> {
  const asked = `ss -ltnH 'sport = :${port}' | grep -q LISTEN`
  for (let tries = 0; tries < 200; tries++) {
    try {
      inside('srv', ['sh', '-c', asked])
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`${front} does not listen`)
}
