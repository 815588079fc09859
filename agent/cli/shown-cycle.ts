// A cycle before somebody's eyes: how far it is, then a table, then what it means in two sentences.

import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { LinkState, VerdictKind } from '../../tests-spec/nettests/verdict.ts'
import type { Agent, Part } from '../assemble/assemble.ts'
import type { CycleReport } from '../cycle/cycle.ts'
import type { Delivery } from '../cycle/deliver.ts'
import { progressBar } from './progress.ts'
import { renderTable } from './result-table.ts'
import type { Terminal } from './terminal.ts'
import { traceText } from './trace-text.ts'

interface Showing {
  /** Whether each operation is shown before the table. */
  readonly traced: boolean
  readonly part?: Part
  /** Whether the table is shown whole also where all of it says one thing. */
  readonly isVerbose: boolean
}

export async function cycleShown(
  agent: Agent,
  list: TestList,
  terminal: Terminal,
  { traced, part, isVerbose }: Showing,
): Promise<CycleReport> {
  const progress = progressBar(terminal.drawn.err, terminal.interactive ? terminal.columns : null)
  const measured: Measurement[] = []
  progress.step(0, Math.max(1, list.entries.length))
  const show = (measurement: Measurement, done: number, of: number) => {
    measured.push(measurement)
    progress.step(done, of)
  }
  const report = await agent.cycle(list, show, part)
  progress.clear()
  const inListOrder = (a: Measurement, b: Measurement) => place(list, a) - place(list, b)
  if (traced) {
    for (const each of measured)
      terminal.drawn.out(`${traceText(each, terminal.columns, terminal.colour)}\n\n`)
  }
  const { link } = report.memory
  // A script gets every row.
  const isWhole = isVerbose || traced || !terminal.shown || !saysOneThing(link, measured)
  if (isWhole)
    terminal.drawn.out(`${renderTable(measured.sort(inListOrder), terminal.columns, terminal.colour)}\n`)
  const words = summary(link, report.delivery, agent)
  // Where nobody watches, a script reads, and one sentence is one line.
  terminal.out(`${terminal.interactive ? wrapWords(words, terminal.columns) : words}\n`)
  return report
}

/** That the link leads nowhere, and nothing of any target. */
function saysOneThing({ state }: LinkState, measured: readonly Measurement[]): boolean {
  const isUseless = state !== 'up' && state !== 'degraded'
  return isUseless && measured.every(({ test_keys }) => isOfLink(test_keys.x_sonde_verdict.verdict))
}

const isOfLink = (verdict: VerdictKind) => verdict === 'link_down' || verdict === 'undetermined'

function place(list: TestList, { input, test_name }: Measurement): number {
  return list.entries.findIndex((entry) => entry.nettest === test_name && entry.input === input)
}

function summary(link: LinkState, delivery: Delivery, agent: Agent): string {
  const { unsealed, inMemory, pendingBatches } = agent.spool.stats()
  const linkWords: Readonly<Record<typeof link.state, string>> = {
    up: `Link up: ${link.controls_ok} of ${link.controls} controls answered.`,
    down: `Link down since ${link.since ?? 'an unknown time'}: no control answered. Nothing here is called blocked.`,
    degraded: `Link degraded: ${link.controls_ok} of ${link.controls} controls answered. Failures are left undetermined.`,
    captive_portal: 'A captive portal answers in place of the controls. Nothing here is called blocked.',
    bundle_exhausted:
      'The provider answers in place of everyone: the data bundle seems used up. Nothing here is called blocked.',
    provider_only: `Only the provider's own site answers since ${link.since ?? 'an unknown time'}: the bundle is used up, or its way out is cut. Nothing here is called blocked.`,
    unknown: 'The link is not known: this machine could not ask the controls, or the list has none.',
  }
  const refused = inMemory === 0 ? '' : ` ${inMemory} results are in memory only: the disk takes none.`
  const kept = `${unsealed - inMemory} results and ${pendingBatches} batches wait on this device.${refused}`
  const upload: Readonly<Record<Delivery['kind'], string>> = {
    delivered: `Uploaded ${delivery.accepted} batches (${delivery.sent} bytes); ${delivery.accepted} receipts.`,
    deferred: `Upload put off (${delivery.reason ?? 'no reason given'}). ${kept}`,
    not_due: `Upload comes with the last round of the interval. ${kept}`,
    not_enrolled: `Not enrolled, so nothing was uploaded. ${kept}`,
  }
  return `${linkWords[link.state]}\n${upload[delivery.kind]}`
}
