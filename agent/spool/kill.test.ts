// A real process on a real disk: it puts, seals and is killed at any moment, round after round in the same folder.
// Each record that it said was durable is there afterwards, once.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openBatch,
  openSample,
  readPending,
  receiptFor,
  type SealedRecord,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'

const deep = process.env.SONDE_DEEP !== undefined
const rounds = deep ? 200 : 10

/** Program that puts and seals without end, and prints on each line what is durable. */
const writer = `
  import { enrolmentDigest, openSample, sampleEntry, seededChance } from '../../test/support/sample-spool.ts'
  const [dir, round] = process.argv.slice(2)
  const chance = seededChance(Number(round))
  const say = (line) => process.stdout.write(line + '\\n')
  const spool = await openSample(dir, { quotaBytes: 32 * 1024 * 1024 })
  say('open')
  for (let i = 0; ; i++) {
    const name = 'round-' + round + '-record-' + i
    const kind = ['anomaly', 'routine', 'routine', 'diagnostic'][Math.floor(chance() * 4)]
    spool.put(sampleEntry(name, kind, 'x'.repeat(Math.floor(chance() * 2000)))).then((n) => say(n + ' ' + name))
    if (i % 7 === 0) await spool.flush()
    if (i % 50 === 49) {
      const batch = await spool.seal('age', enrolmentDigest)
      if (batch !== null) say('sealed ' + batch.seq + ' ' + batch.id)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
`

let folder: string
let program: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sonde-kill-'))
  program = join(folder, 'writer.mjs')
  await build({
    stdin: { contents: writer, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/**
 * Runs the writer until it has printed `lines` lines, then kills it.
 * @returns All that it printed in time.
 */
function runAndKill(dir: string, round: number, lines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, dir, String(round)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said: string[] = []
    let complaint = ''
    child.stderr.on('data', (text) => {
      complaint += text
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(line)
      if (said.length === lines) child.kill('SIGKILL')
    })
    child.on('close', (_, signal) => {
      if (signal === 'SIGKILL') resolve(said)
      else reject(new Error(`The writer ended by itself: ${complaint}`))
    })
  })
}

describe('a process that is killed', () => {
  it(
    `loses nothing that put() resolved for, in ${rounds} rounds over one spool`,
    async () => {
      const dir = join(folder, 'spool')
      const chance = seededChance(20)
      const acknowledged = new Map<string, number>()
      const sealed = new Map<string, string>()
      const delivered: SealedRecord[] = []
      for (let round = 0; round < rounds; round++) {
        for (const line of await runAndKill(dir, round, 1 + Math.floor(chance() * 400))) {
          const [first, second, third] = line.split(' ')
          if (first === 'sealed') sealed.set(second ?? '', third ?? '')
          else if (second !== undefined) acknowledged.set(second, Number(first))
        }
        // In every third round the test uploads in between.
        if (round % 3 !== 2) continue
        const spool = await openSample(dir, { quotaBytes: 32 * 1024 * 1024 })
        for (const { id } of spool.pending()) {
          const batch = openBatch(await spool.read(id))
          delivered.push(...batch.records)
          expect(sealed.get(String(batch.manifest.seq)) ?? batch.id).toBe(batch.id)
          await spool.receipted(receiptFor(batch))
        }
        await spool.close()
      }
      const spool = await openSample(dir, { quotaBytes: 32 * 1024 * 1024 })
      await sealAll(spool)
      for (const batch of await readPending(spool)) {
        expect(sealed.get(String(batch.manifest.seq)) ?? batch.id).toBe(batch.id)
        delivered.push(...batch.records)
      }
      await spool.close()
      const numbers = new Map(delivered.map(({ n, name }) => [name, n]))
      expect(numbers.size).toBe(delivered.length)
      expect(acknowledged.size).toBeGreaterThan(rounds)
      for (const [name, n] of acknowledged) expect(numbers.get(name), name).toBe(n)
    },
    deep ? 600_000 : 60_000,
  )
})
