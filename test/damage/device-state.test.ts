// The small files of a device's state folder, damaged in every way: what cannot be done without is refused with a code
// and a sentence, what can is begun anew, and nothing rotten is believed.

import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cuts } from '../../agent/cycle/cuts.ts'
import { readMemory, writeMemory } from '../../agent/cycle/memory.ts'
import { noneWaiting } from '../../agent/cycle/waiting.ts'
import { readEnrolment, writeEnrolment } from '../../agent/enrolment/enrolment.ts'
import { knownRecipient, learnRecipient } from '../../agent/enrolment/recipient.ts'
import { readStatus, writeStatus } from '../../agent/health/status.ts'
import { ActionableError } from '../../agent/platform/actionable-error.ts'
import { readClockMemory, writeClockMemory } from '../../agent/platform/clock-memory.ts'
import { openIdentity } from '../../agent/platform/identity.ts'
import { ExportLedger } from '../../agent/stick/export-ledger.ts'
import { wayMemoryIn } from '../../agent/submit/ways/way-memory.ts'
import { UpdateState } from '../../agent/update/update-state.ts'
import { ageRecipientText } from '../../tests-spec/protocol/age.ts'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { sealEnrolment } from '../../tests-spec/protocol/enrolment.ts'
import { link } from '../support/observations.ts'
import { SampleLists } from '../support/sample-lists.ts'
import { seededChance } from '../support/sample-spool.ts'
import { damaged, deep, Tally } from './damages.ts'

/** For each file. */
const cases = deep ? 600 : 60

const dir = mkdtempSync(join(tmpdir(), 'sonde-rot-'))
afterAll(() => rmSync(dir, { recursive: true }))

const ids = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, '0') as BatchId)
const history = Object.fromEntries(
  ids.map((_, i) => [
    `web_connectivity https://target-${i}.example/`,
    { conclusion: 'ok web_connectivity/reached@1 null', fullOn: '2026-06-01', state: 'ok' as const },
  ]),
)

const collectorKeys = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collectorKeys.publicKey)
const spki = (key: typeof collectorKeys.publicKey) =>
  key.export({ type: 'spki', format: 'der' }).toString('base64')
const recipients = [3, 4].map((fill) => ageRecipientText(Buffer.alloc(32, fill)))
const record = sealEnrolment(
  {
    v: 1,
    device: keyIdOf(collectorKeys.publicKey) as never,
    spki: spki(collectorKeys.publicKey),
    collector: collectorId,
    collectorSpki: spki(collectorKeys.publicKey),
    at: 1_790_000_000_000,
  },
  collectorKeys.privateKey,
)

interface StateFile {
  readonly name: string
  write(path: string): Promise<unknown>
  /** null, or as when it was never written: begun anew. */
  read(path: string): Promise<unknown>
  /** Must not be begun anew without a person. */
  readonly needed?: true
}

const files: readonly StateFile[] = [
  {
    name: 'memory.json',
    write: (path) =>
      writeMemory(path, {
        link: { ...link('down'), since: '2026-06-01T00:00:00.000Z' },
        history,
        controls: {},
        waiting: noneWaiting,
        cuts: new Cuts(),
      }),
    async read(path) {
      const memory = await readMemory(path)
      return Object.keys(memory.history).length === 0 && memory.link.state === 'unknown' ? null : memory
    },
  },
  {
    name: 'status.json',
    write: (path) =>
      writeStatus(path, {
        v: 1,
        version: '1.2.3',
        device: 'ab'.repeat(16),
        collector: 'https://collector.example',
        written_at: 1_790_000_000_000,
        clock: 'synced',
        list: { name: 'core', version: 1, entries: 40 },
        link: link('up'),
        last_cycle: { finished_at: 1_790_000_000_000, measurements: 41, anomalies: 3, bugs: 0 },
        next_cycle_at: null,
        spool: {
          unsealed: 7,
          pending_batches: 2,
          pending_bytes: 70_000,
          quarantined: 0,
          lost: 0,
          oldest_at: 1_789_000_000_000,
          disk_bytes: 100_000,
          health: 'ok',
        },
        upload: null,
        log_lines_dropped: 0,
      }),
    read: readStatus,
  },
  {
    name: 'clock.json',
    write: (path) => writeClockMemory(path, { notBeforeMs: 1_790_000_000_000, toldMs: 1_790_000_000_123 }),
    read: readClockMemory,
  },
  {
    name: 'upload.json',
    write: (path) => wayMemoryIn(path).write({ lastGood: '0123456789abcdef', ways: new Map() }),
    read: async (path) => (await wayMemoryIn(path).read()).lastGood,
  },
  {
    name: 'recipient.json',
    async write(path) {
      rmSync(path, { force: true })
      await learnRecipient(path, collector(), { recipient: recipients[1], at: 1_790_000_100_000 } as never)
    },
    read: async (path) => {
      const { text } = (await knownRecipient(path, collector())) ?? {}
      return text === recipients[0] ? null : text
    },
  },
  {
    name: 'exports.json',
    async write(path) {
      rmSync(path, { force: true })
      const ledger = await ExportLedger.open(path)
      for (const [i, id] of ids.entries()) await ledger.add({ name: `${i}.age`, sha256: id, batches: [id] })
    },
    async read(path) {
      const { files: found } = await ExportLedger.open(path)
      return found.length === 0 ? null : found
    },
  },
  {
    // One of the two in which signed lists are kept; the other is another test's.
    name: 'slot-0.json',
    async write(path) {
      rmSync(path, { force: true })
      const lists = new SampleLists(1_790_000_000_000, 'rot')
      const root = lists.root.toString()
      await (await UpdateState.open(dir)).write({ trusted_ms: 0, root, files: [], former: [], targets: [] })
    },
    read: async () => (await UpdateState.open(dir)).slots[0]?.state ?? null,
  },
  {
    name: 'device-key',
    needed: true,
    write: openIdentity,
    read: async (path) => (await openIdentity(path)).device,
  },
  {
    name: 'enrolment.json',
    needed: true,
    write: (path) => writeEnrolment(path, 'https://collector.example/', collectorId, record),
    async read(path) {
      const found = readEnrolment(path)
      return found && { ...found, collectorKey: keyIdOf(found.collectorKey) }
    },
  },
]

function collector() {
  const path = join(dir, 'enrolment-for-recipient')
  const found = readEnrolment(path)
  if (found === null) throw new Error('Not enrolled')
  return { ...found, recipient: recipients[0] ?? null }
}
beforeAll(() =>
  writeEnrolment(join(dir, 'enrolment-for-recipient'), 'https://collector.example/', collectorId, record),
)

const tally = new Tally('state files of a device')
afterAll(() => console.info(tally.line))

/** @returns What was read, or the refusal. */
async function reading(
  file: StateFile,
  path: string,
): Promise<{ value: unknown } | { refused: ActionableError }> {
  try {
    return { value: await file.read(path) }
  } catch (error) {
    // Anything else is a stack in front of a person who has to mend it.
    if (!(error instanceof ActionableError)) throw error
    return { refused: error }
  }
}

describe.each(files)('$name', (file) => {
  const path = join(dir, file.name)
  let whole: Buffer
  let content: unknown
  beforeAll(async () => {
    await file.write(path)
    whole = readFileSync(path)
    content = await file.read(path)
    expect(content).not.toBeNull()
  })

  async function check(name: string, bytes: Buffer): Promise<void> {
    writeFileSync(path, bytes)
    const found = await reading(file, path)
    if ('refused' in found) {
      expect(file.needed, found.refused.message).toBe(true)
      expect(found.refused.code).toBe('bad_state')
      expect(found.refused.message).toContain(path)
      expect(found.refused.message).toMatch(/Put the right file back|Enrol again/)
      expect(readFileSync(path).equals(bytes), 'the file was touched').toBe(true)
      if (bytes.equals(whole)) tally.undamagedLost.push(name)
      return
    }
    if (found.value === null) {
      expect(file.needed, 'begun anew without a word').toBeUndefined()
      if (bytes.equals(whole)) tally.undamagedLost.push(name)
      return
    }
    try {
      expect(found.value).toEqual(content)
    } catch {
      tally.corruptAccepted.push(`${name}: ${JSON.stringify(found.value).slice(0, 200)}`)
    }
  }

  it(`is whole, begun anew or refused, in ${cases} damages`, async () => {
    await tally.run(cases, async (name, chance) => {
      const { what, bytes } = damaged(whole, chance)
      await check(`${file.name}, ${name}, ${what}`, bytes)
    })
    expect(tally.corruptAccepted).toEqual([])
    expect(tally.undamagedLost).toEqual([])
  })

  it('is whole, begun anew or refused, cut off at every length', async () => {
    const step = deep ? 1 : Math.ceil(whole.length / 100)
    const lengths = Array.from({ length: Math.ceil(whole.length / step) }, (_, i) => i * step)
    await tally.run(lengths.length, (name, _, i) =>
      check(`${file.name}, ${name}, cut`, whole.subarray(0, lengths[i])),
    )
    expect(tally.corruptAccepted).toEqual([])
  })

  it('is begun anew or refused when a folder stands in its place', async () => {
    rmSync(path)
    mkdirSync(join(path, 'in-the-way'), { recursive: true })
    const found = await reading(file, path)
    if (file.needed) expect(found).toMatchObject({ refused: { code: 'bad_state' } })
    else expect(found).toEqual({ value: null })
    rmSync(path, { recursive: true })
  })

  it.runIf(file.needed === undefined)('is written anew after any damage', async () => {
    writeFileSync(path, damaged(whole, seededChance(7)).bytes)
    await file.write(path)
    expect(await file.read(path)).toEqual(content)
  })
})
