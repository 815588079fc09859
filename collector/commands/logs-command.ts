// `sonde-collector logs PROBE`: what a probe has sent of its log when an order asked for it, and what became of orders. Signed with
// the batches that enclosed it. Reads index and archive beside a collector that serves, and writes nothing.

import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import { readEnclosedLog } from '../../tests-spec/lists/enclosed-log.ts'
import { readAnswers } from '../../tests-spec/lists/orders.ts'
import { Archive } from '../archive/archive.ts'
import { indexPath } from '../collector.ts'
import { SqliteIndex } from '../index/sqlite-index.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, type Invocation, stateOption, tell } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const logsCommand: Command = {
  name: 'logs',
  summary: 'what a probe sent of its log, and what became of orders',
  more: 'PROBE is the id of a device, or its first digits. A log comes when an order of the operators asked for it. The newest 20 batches that tell of either, oldest first.',
  operands: [
    {
      name: 'PROBE',
      kind: 'text',
      count: 'one',
      check: (text) => (/^[0-9a-f]{4,32}$/.test(text) ? null : '4 to 32 hex digits'),
    },
  ],
  options: [stateOption, { name: 'json', help: 'print one JSON object a line' }],
  run: logs,
}

const mostBatches = 20

async function logs({ given, terminal }: Invocation): Promise<number> {
  const state = existingState(given.value('state') ?? '')
  const asked = given.operands[0] ?? ''
  const index = await SqliteIndex.openExisting(indexPath(state))
  try {
    const found = index.probes().filter(({ device }) => device.startsWith(asked))
    const [probe] = found
    if (probe === undefined || found.length > 1)
      throw new CommandFailed(
        'unknown_probe',
        probe === undefined
          ? `No probe ${asked} has sent anything to ${state}.`
          : `${found.length} probes begin with ${asked}: say more of it.`,
      )
    const archive = Archive.openToRead(state)
    const batches = index.speakingBatches(probe.device, mostBatches).reverse()
    for (const { id, receivedAt } of batches) {
      const manifest = await archive.manifest(id)
      if (manifest === null) continue
      const at = new Date(receivedAt).toISOString()
      const lines = readEnclosedLog(manifest.log) ?? []
      if (given.has('json')) {
        for (const answer of readAnswers(manifest.answers))
          tell(terminal, { received_at: at, batch: id, answer })
        for (const line of lines) tell(terminal, { received_at: at, batch: id, line })
        continue
      }
      terminal.out(`Batch ${id.slice(0, 12)}, received ${at}\n`)
      for (const { scope, n, do: word, outcome } of readAnswers(manifest.answers))
        terminal.out(`  order ${n} of ${safeText(scope, 80)}, ${word}: ${outcome}\n`)
      for (const line of lines) terminal.out(`  ${textOf(line)}\n`)
    }
    if (batches.length === 0)
      terminal.err('Nothing yet: a probe sends its log when an order of the operators asks for it.\n')
  } finally {
    index.close()
  }
  return 0
}

/** `2026-11-28T03:15:07Z warn  S4101  reason=ETIMEDOUT`. */
function textOf({ time, level, code, ...fields }: Readonly<Record<string, unknown>>): string {
  const figures = Object.entries(fields).map(
    ([name, value]) =>
      `${safeText(name, 40)}=${safeText(typeof value === 'string' ? value : JSON.stringify(value), 120)}`,
  )
  const when = safeText(String(time), 24).replace(/\.\d+Z$/, 'Z')
  return `${when} ${safeText(String(level), 5).padEnd(5)} ${safeText(String(code), 8)}  ${figures.join(' ')}`.trimEnd()
}
