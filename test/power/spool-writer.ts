// The agent's spool as a power cut finds it: records are put and flushed, batches sealed, read by somebody outside,
// and receipted; sometimes the receipt is lost on its way.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Spool } from '../../agent/spool/spool.ts'
import { recordClasses } from '../../tests-spec/data-formats/measurement.ts'
import { verifyBatches } from '../../tests-spec/protocol/verify-batches.ts'
import {
  noise,
  openBatch,
  openSample,
  receiptFor,
  sampleEntry,
  seededChance,
} from '../support/sample-spool.ts'
import { breathe, type Say, type Writer } from './writer.ts'

const enrolmentDigest = 'e'.repeat(64)
/** Small, for small segments; the writer delivers before anything has to be given up. */
const quotaBytes = 8 * 1024 * 1024
const mostPending = 6
/** The key of `openSample()`: RFC 8410 around 32 times 0x07. */
const publicKey = createPublicKey(
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
    format: 'der',
    type: 'pkcs8',
  }),
)

const word = v.union([
  /** `put` resolved. */
  v.object({ put: v.string(), n: v.number() }),
  /** Somebody outside has seen this batch, base64. */
  v.object({ batch: v.string() }),
  /** A collector holds it and has said so: the spool may forget it. */
  v.object({ sent: v.string() }),
])

/** How often each is done, from 0 to 1, after a record was put. */
interface Habits {
  readonly flush: number
  readonly seal: number
  readonly deliver: number
}

/** As a probe works, in fast motion. */
export const spoolWriter = writerOf({ flush: 0.1, seal: 0.04, deliver: 0.03 })
/** Hardly anything but sealing and forgetting, so that cuts fall there: between a batch file, its note, its end. */
export const sealingWriter = writerOf({ flush: 0.05, seal: 0.5, deliver: 0.3 })

function writerOf(habits: Habits): Writer {
  return {
    write: (dir, life, say) => write(habits, dir, life, say),
    check,
  }
}

async function write(habits: Habits, dir: string, life: number, say: Say): Promise<never> {
  const chance = seededChance(life)
  const spool = await openSample(join(dir, 'spool'), { quotaBytes })
  for (let i = 0; ; i++) {
    await put(spool, `life-${life}-record-${i}`, say)
    if (chance() < habits.flush) await spool.flush()
    if (chance() < habits.seal) {
      const sealed = await spool.seal('age', enrolmentDigest)
      if (sealed !== null) say({ batch: (await spool.read(sealed.id)).toString('base64') })
    }
    if (chance() < habits.deliver || spool.pending().length > mostPending)
      await deliver(spool, say, chance() < 0.8)
    await breathe()
  }
}

async function check(dir: string, said: readonly unknown[]): Promise<string[]> {
  const words = said.map((each) => v.parse(word, each))
  const spool = await openSample(join(dir, 'spool'), { quotaBytes })
  const faults = spool.stats().health === 'ok' ? [] : ['the spool cannot write to a disk that is well']
  while ((await spool.seal('manual', enrolmentDigest)) !== null);
  const files = new Map<string, Buffer>()
  for (const each of words) {
    if ('batch' in each) keep(files, Buffer.from(each.batch, 'base64'))
  }
  const seen = [...files.keys()]
  const held = new Set(words.flatMap((each) => ('sent' in each ? [each.sent] : [])))
  for (const { id } of spool.pending()) {
    keep(files, await spool.read(id))
    held.add(id)
  }
  await spool.close()
  faults.push(...seen.filter((id) => !held.has(id)).map((id) => `batch ${id} was sealed and is gone`))
  faults.push(...chainFaults(files))
  faults.push(
    ...recordFaults(
      [...files].filter(([id]) => held.has(id)).map(([, bytes]) => bytes),
      words,
    ),
  )
  return faults
}

/** Not waited for: what is durable says so itself. */
async function put(spool: Spool, name: string, say: Say): Promise<void> {
  const { recordClass, padding } = traitsOf(name)
  spool.put(sampleEntry(name, recordClass, padding)).then(
    (n) => say({ put: name, n }),
    () => {},
  )
}

/** What a record holds follows from its name, so that whoever finds it knows what it must hold. */
function traitsOf(name: string) {
  const seed = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7)
  const chance = seededChance(seed >>> 0)
  const recordClass = recordClasses[Math.floor(chance() * recordClasses.length)] ?? 'routine'
  return { recordClass, padding: noise(chance, Math.floor(chance() ** 4 * 3_000)) }
}

async function deliver(spool: Spool, say: Say, receiptArrives: boolean): Promise<void> {
  const next = spool.pending()[0]
  if (next === undefined) return
  const bytes = await spool.read(next.id)
  say({ batch: bytes.toString('base64') })
  say({ sent: next.id })
  if (receiptArrives) await spool.receipted(receiptFor(openBatch(bytes)))
}

function keep(files: Map<string, Buffer>, bytes: Buffer): void {
  files.set(openBatch(bytes).id, bytes)
}

/** Every batch anyone has seen, and every one that waits: one chain, unbroken, one content a seq, no number unnamed. */
function chainFaults(files: ReadonlyMap<string, Buffer>): string[] {
  const read = (id: string) => files.get(id) ?? Buffer.alloc(0)
  const { files: checked, chains } = verifyBatches([...files.keys()], read, [{ publicKey, enrolmentDigest }])
  return [
    ...checked.flatMap(({ file, code }) => (code === null ? [] : [`batch ${file} is not good: ${code}`])),
    ...(chains.length > 1 ? [`${chains.length} epochs, where nothing called for a new one`] : []),
    ...chains.flatMap(({ missing, unnamed, faults }) => [
      ...faults.map(({ code, seq, problem }) => `${code} at seq ${seq}: ${problem}`),
      ...missing.map((range) => `seqs ${range} are missing`),
      ...(unnamed ?? []).map((range) => `numbers ${range} are in no batch and not named as lost`),
    ]),
  ]
}

/** Each acknowledged record is in one batch, under its number, with its content; no other is there twice. */
function recordFaults(batches: readonly Buffer[], words: readonly v.InferOutput<typeof word>[]): string[] {
  const faults: string[] = []
  const numbers = new Map<string, number>()
  for (const { name, n, padding, class: recordClass } of batches.flatMap(
    (bytes) => openBatch(bytes).records,
  )) {
    const expected = traitsOf(name)
    if (numbers.has(name)) faults.push(`${name} is there twice`)
    if (padding !== expected.padding || recordClass !== expected.recordClass)
      faults.push(`${name} is corrupt`)
    numbers.set(name, n)
  }
  for (const each of words) {
    if ('put' in each && numbers.get(each.put) !== each.n) {
      faults.push(`${each.put} was acknowledged as ${each.n} and is ${numbers.get(each.put) ?? 'lost'}`)
    }
  }
  return faults
}
