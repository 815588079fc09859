// `npm run replay -- NAME`: plays an evening, shows what came of it, and ends with 0 only when everything held that is
// required of it. README.md is the how-to.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Account, accountOf } from './account.ts'
import { readCommand, usage } from './command.ts'
import { csvFiles } from './csv.ts'
import { timeOf } from './evening.ts'
import { accountPage } from './page.ts'
import { type Played, play, whyNoReplay } from './play.ts'
import { accountText } from './terminal.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

process.exitCode = await main(process.argv.slice(2))

/** @returns The exit code: 0 all held, 1 something did not, 64 wrong usage, 69 not on this machine, 70 a lab or a program in it failed. */
async function main(argv: readonly string[]): Promise<number> {
  const wanted = readCommand(argv, root)
  if (wanted === null) {
    process.stderr.write(usage)
    return 64
  }
  const why = whyNoReplay()
  if (why !== null) {
    process.stderr.write(`Cannot play ${wanted.evening.name}: ${why}.\n`)
    return 69
  }
  let played: Played
  try {
    played = await play(wanted.evening, wanted.labs, progress())
  } catch (error) {
    process.stderr.write(
      `Cannot play ${wanted.evening.name}: ${error instanceof Error ? error.stack : error}\n`,
    )
    return 70
  }
  const account = await accountOf(wanted.evening, played)
  write(wanted.out, account, played.lines)
  process.stdout.write(`\n${accountText(account, process.stdout.columns ?? 80)}`)
  process.stderr.write(`\nWritten to ${wanted.out}\n`)
  const broken = account.requirements.filter(({ faults }) => faults.length > 0)
  for (const { sentence } of broken) process.stderr.write(`NOT SO: ${sentence}\n`)
  return broken.length === 0 ? 0 : 1
}

/** A line for each moment that is over, so that who waits sees where it stands. */
function progress() {
  const begun = performance.now()
  let all = 0
  let done = 0
  const say = (text: string) => {
    const seconds = Math.round((performance.now() - begun) / 1000)
    process.stderr.write(`${String(seconds).padStart(4)} s  ${text}\n`)
  }
  return {
    onStart(moments: number, labs: number) {
      all = moments
      say(`${moments} moments in ${labs} ${labs === 1 ? 'laboratory' : 'laboratories'}`)
    },
    onMoment({ at, visits }: { readonly at: number; readonly visits: readonly unknown[] }) {
      done++
      const cycles = visits.length === 1 ? 'cycle' : 'cycles'
      say(`${String(done).padStart(2)} of ${all}: it was ${timeOf(at)}, ${visits.length} ${cycles}`)
    },
  }
}

function write(out: string, account: Account, lines: readonly string[]): void {
  mkdirSync(out, { recursive: true })
  const files = {
    'index.html': accountPage(account),
    ...csvFiles(account),
    'measurements.ndjson': lines.map((line) => `${line}\n`).join(''),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), text)
}
