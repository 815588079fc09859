// What a replay is asked to do: its command line. Pure.

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Evening } from './evening.ts'
import { mali2018 } from './mali-2018.ts'

export interface Command {
  readonly evening: Evening
  /** Most laboratories side by side. */
  readonly labs: number
  /** Folder to write to. */
  readonly out: string
}

const evenings: readonly Evening[] = [mali2018]
/** Most of an evening is waiting for what does not answer. More labs than this wait for the processors instead. */
const usualLabs = 12

export const usage = `Usage: npm run replay -- NAME [--out DIR] [--labs N]

Plays an evening of interference in laboratories on this machine, measures it, and shows what the collector received.
  NAME        ${evenings.map(({ name, title }) => `${name}: ${title}`).join('\n              ')}
  --out DIR   Where page, CSV and measurements are written; .sonde/replay/NAME of the checkout unless said otherwise
  --labs N    At most so many laboratories side by side, ${usualLabs} unless said otherwise; 1 plays from end to end
`

/**
 * @param root - Of the checkout, which holds the folder that is written to by default.
 * @returns null when the command line does not say what to do.
 */
export function readCommand(argv: readonly string[], root: string): Command | null {
  try {
    const options = { out: { type: 'string' }, labs: { type: 'string' } } as const
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const evening = evenings.find(({ name }) => name === positionals[0])
    const labs = Number(values.labs ?? usualLabs)
    if (evening === undefined || positionals.length > 1 || !Number.isInteger(labs) || labs < 1) return null
    const out = values.out === undefined ? join(root, '.sonde', 'replay', evening.name) : resolve(values.out)
    return { evening, labs, out }
  } catch {
    // parseArgs throws for what it does not know; the usage says what there is.
    return null
  }
}
