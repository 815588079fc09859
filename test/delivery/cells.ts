// Which fronts, lines and boxes are tried with each other, what is asked of each cell, and how a cell is run.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { modernNode } from '../../build/modern-node.ts'
import { collectorBundle, temporaryFolder } from '../support/processes.ts'
import type { manners } from './box.ts'
import { type FrontName, usualFronts } from './fronts.ts'
import { furtherFronts } from './further-fronts.ts'
import type { answerManners } from './rude-answers.ts'
import { bytesPerMs, type LineName, lines } from './wires.ts'

export type BoxName = keyof typeof manners | keyof typeof answerManners | 'TLS inspection'

export interface Cell {
  readonly front: FrontName
  readonly line: LineName
  readonly box: BoxName
  /** Of measurements, before they are packed, in the device's spool. */
  readonly bytes: number
}

export interface Figures {
  readonly batches: number
  readonly backlogBytes: number
  /** Bytes of TCP payload. */
  readonly sent: number
  /** Bytes on the device's cable. */
  readonly wire: number
  readonly seconds: number
  readonly connections: number
  readonly failures: number
  readonly attempts: number
  readonly reasons: Readonly<Record<string, number>>
  readonly left: { readonly pendingBatches: number; readonly quarantined: number; readonly lost: number }
  /** Batches that the collector has kept. */
  readonly held: number
}

const usualBytes = 240_000
const cell = (front: FrontName, line: LineName, box: BoxName = 'none', bytes = usualBytes): Cell => ({
  front,
  line,
  box,
  bytes,
})
const everyFront = Object.keys(usualFronts) as FrontName[]
const furtherFront = Object.keys(furtherFronts) as FrontName[]
const everyLine = Object.keys(lines) as LineName[]
const boxes: readonly BoxName[] = [
  'no PATCH',
  'one request',
  'small bodies',
  'portal',
  'answers 503',
  'TLS inspection',
  'no questions',
  'page for a question',
  'hangs up on questions',
  'pages for errors',
  'page for a 404',
  'packs',
  'page for a further part',
  'other offsets',
  'offsets too high',
]
/** These are rude to the question for a receipt, which a way that is one of several is asked first. */
const ofQuestions: ReadonlySet<BoxName> = new Set([
  'no questions',
  'page for a question',
  'hangs up on questions',
  'pages for errors',
  'page for a 404',
  'packs',
])
/** Whether the device has another way, on which nothing listens. */
export const hasDeadWay = ({ box }: Cell) => ofQuestions.has(box)

// Long enough that a connection is cut before all is sent.
const usualCell = (front: FrontName, line: LineName, box: BoxName) =>
  cell(front, line, box, line === 'cut' ? 3 * usualBytes : usualBytes)

/** Every front over every line past every box; the fronts of which the documentation does not speak, over lines alone. */
export const allCells: readonly Cell[] = [
  ...everyFront.flatMap((front) =>
    everyLine.flatMap((line) => (['none', ...boxes] as const).map((box) => usualCell(front, line, box))),
  ),
  ...furtherFront.flatMap((front) => everyLine.map((line) => usualCell(front, line, 'none'))),
]

/** What every change is tried with: a front that keeps bodies back, one that ends connections, a path, a box. */
export const fewCells: readonly Cell[] = [
  cell('nginx', 'slow', 'none', 80_000),
  cell('nginx kept', 'fast', 'none', 160_000),
  cell('caddy', 'slow', 'none', 80_000),
  cell('haproxy closes', 'fast', 'one request', 160_000),
  cell('none', 'narrow', 'none', 160_000),
  cell('none', 'fast', 'no questions', 160_000),
  cell('none', 'fast', 'pages for errors', 160_000),
  cell('none', 'fast', 'packs', 160_000),
  cell('none', 'fast', 'page for a further part', 160_000),
  cell('none', 'fast', 'other offsets', 160_000),
  cell('nginx', 'fast', 'offsets too high', 160_000),
  cell('our nginx.conf', 'fast', 'none', 160_000),
  cell('our haproxy.cfg', 'fast', 'none', 160_000),
  cell('our Caddyfile', 'fast', 'none', 160_000),
]

export const nameOf = ({ front, line, box }: Cell) => `${front} · ${line} · ${box}`

/** @returns null when the cell did not come to its end. */
export async function runCell(each: Cell): Promise<Figures> {
  const sandbox = ['--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']
  const rootless = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const program = fileURLToPath(new URL('cell.ts', import.meta.url))
  const argv = [modernNode(), program, temporaryFolder('delivery'), collectorBundle, JSON.stringify(each)]
  const child = spawn(
    'unshare',
    [...rootless, ...sandbox, 'sh', '-c', 'mount -t tmpfs run /run && exec "$@"', 'sh', ...argv],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, NODE_NO_WARNINGS: '1' },
    },
  )
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const figures = JSON.parse(out.trim().split('\n').at(-1) || 'null')
  if (figures === null) throw new Error(`${nameOf(each)} did not come to its end`)
  return figures
}

/** Runs cells side by side, since a slow line is mostly waited for, and says each as it ends. */
export async function runCells(
  cells: readonly Cell[],
  lanes: number,
  ended: (cell: Cell, outcome: Figures | Error) => void,
): Promise<void> {
  const waiting = [...cells]
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const each = next
      ended(each, await runCell(each).catch((error: Error) => error))
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Seconds that the line itself needs for the backlog; null where that is none worth counting. */
export function ownSeconds({ line }: Cell, { backlogBytes }: Figures): number | null {
  const speed = bytesPerMs[line]
  return speed === null ? null : backlogBytes / speed / 1000
}

/** @returns What is wrong with a cell; empty when nothing is. */
export function faultsOf(each: Cell, figures: Figures): string[] {
  const { left, batches, held, sent, backlogBytes } = figures
  const faults: string[] = []
  if (left.pendingBatches + left.quarantined + left.lost > 0) faults.push(`left: ${JSON.stringify(left)}`)
  if (held !== batches) faults.push(`${held} of ${batches} batches are held`)
  const most = each.line === 'cut' ? 1.6 : 1.2
  if (sent / backlogBytes > most) faults.push(`${(sent / backlogBytes).toFixed(2)} times the bytes were sent`)
  return faults
}

export const tableHead = [
  '| front | line | box | batches | held kB | sent / held | seconds | line alone | connections | attempts | reasons |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
].join('\n')

export function rowOf(each: Cell, figures: Figures): string {
  const own = ownSeconds(each, figures)
  const cells = [
    each.front,
    each.line,
    each.box,
    figures.batches,
    Math.round(figures.backlogBytes / 1000),
    (figures.sent / figures.backlogBytes).toFixed(2),
    figures.seconds.toFixed(1),
    own === null ? '' : own.toFixed(1),
    figures.connections,
    figures.attempts,
    Object.entries(figures.reasons)
      .map(([reason, times]) => `${reason} ${times}`)
      .join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}
