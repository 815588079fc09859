// A device for the tests of sticks: a real spool in a real folder, enrolled with a real collector, without the rest of
// an agent around it.

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { openSpoolAccess } from '../../agent/assemble/open-spool-access.ts'
import type { Collector } from '../../agent/enrolment/enrolment.ts'
import { openSpool, type Spool } from '../../agent/spool/spool.ts'
import { Carried } from '../../agent/stick/carried.ts'
import { exportBatches } from '../../agent/stick/export-batches.ts'
import { ExportLedger } from '../../agent/stick/export-ledger.ts'
import { importReceipts } from '../../agent/stick/import-receipts.ts'
import type { SpoolAccess } from '../../agent/stick/spool-access.ts'
import { Stick } from '../../agent/stick/stick.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { type AgeRecipient, readAgeRecipient } from '../../tests-spec/protocol/age.ts'
import { type DeviceId, deviceId } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { makeEnrolmentRequest, openEnrolment, readToken } from '../../tests-spec/protocol/enrolment.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import { fakeClock } from './fake-clock.ts'
import type { SampleCollector } from './sample-collector.ts'

export const folder = (name: string) => mkdtempSync(join(tmpdir(), `sonde-${name}-`))

export interface StickDevice {
  readonly device: DeviceId
  readonly state: string
  readonly spool: Spool
  readonly access: SpoolAccess
  readonly collector: Collector
  readonly recipient: AgeRecipient
  readonly carried: Carried
  /** Receipts that the device believed, in order. */
  readonly receipts: Receipt[]
  ledger(): Promise<ExportLedger>
  /** Puts `count` records of about `bytes` bytes that do not compress, and seals them into a batch. */
  measure(count: number, bytes?: number): Promise<void>
  /** Measures once and seals, `count` times. */
  batches(count: number, bytes?: number): Promise<void>
  export(path: string): ReturnType<typeof exportBatches>
  import(path: string): ReturnType<typeof importReceipts>
  /** Makes the same device once more, as a copied card does. */
  clone(): Promise<StickDevice>
}

const open = new Set<Spool>()

/** To be called after each test: closes everything that was opened. */
export async function closeDevices(): Promise<void> {
  for (const spool of open) await spool.close()
  open.clear()
}

/** A word that must never be readable on a stick. */
export const secretWord = 'web.whatsapp.example'

export async function stickDevice(at: SampleCollector, quotaBytes = 1_000_000): Promise<StickDevice> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const device = v.parse(deviceId, keyIdOf(publicKey))
  const token = readToken(await at.token())
  if (token === null) throw new Error('The collector gives no token')
  const { body } = await at.postEnrolment(makeEnrolmentRequest(token.secret, publicKey, privateKey))
  const { enrolment, collectorKey, digest } = openEnrolment(body, token.collectorKeyId)
  const recipient = readAgeRecipient(enrolment.recipient ?? '')
  if (recipient === null) throw new Error('The enrolment record names no recipient')
  const collector: Collector = {
    enrolledDevice: device,
    url: at.url,
    collectorKeyId: token.collectorKeyId,
    collectorKey,
    enrolmentDigest: digest,
    enrolledAt: enrolment.at,
    recipient: recipient.text,
    listsRoot: null,
    endpoints: [],
  }
  return deviceIn(folder('device'), { device, privateKey, recipient, collector, quotaBytes })
}

interface Keys {
  readonly device: DeviceId
  readonly privateKey: KeyObject
  readonly recipient: AgeRecipient
  readonly collector: Collector
  readonly quotaBytes: number
}

async function deviceIn(state: string, keys: Keys): Promise<StickDevice> {
  const { device, privateKey, recipient, collector, quotaBytes } = keys
  const clock = fakeClock()
  const spool = await openSpool({
    dir: join(state, 'spool'),
    clock,
    device,
    privateKey,
    quotaBytes: 64_000_000,
    agentVersion: '0.0.0-test',
    lists: () => ({}),
  })
  open.add(spool)
  mkdirSync(join(state, 'carried'), { recursive: true })
  const access = openSpoolAccess(spool, collector, device)
  const receipts: Receipt[] = []
  const ledger = () => ExportLedger.open(join(state, 'exports.json'))
  const measure = async (count: number, bytes = 100) => {
    for (let i = 0; i < count; i++) {
      const padding = randomBytes(bytes).toString('base64')
      const measurement = { input: `https://${secretWord}/${i}`, padding } as unknown as Measurement
      const time = { wall_ms: clock.now(), boot: 'b', mono_ms: 1, clock: 'synced' } as const
      void spool.put({ class: 'routine', time, measurement })
    }
    await spool.flush()
    await spool.seal('manual', collector.enrolmentDigest)
  }
  return {
    device,
    state,
    spool,
    access,
    collector,
    recipient,
    receipts,
    carried: new Carried({ dir: join(state, 'carried'), quotaBytes, roomBytes: () => 1e9 }),
    ledger,
    measure,
    async batches(count, bytes) {
      for (let i = 0; i < count; i++) await measure(1, bytes)
    },
    export: async (path) =>
      exportBatches({
        spool: access,
        stick: Stick.open(path),
        recipient,
        ledger: await ledger(),
        random: randomBytes,
      }),
    import: async (path) =>
      importReceipts({
        spool: access,
        stick: Stick.open(path),
        ledger: await ledger(),
        device,
        ...collector,
        async onReceipt(receipt) {
          receipts.push(receipt)
        },
      }),
    async clone() {
      await spool.flush()
      const copy = folder('clone')
      cpSync(state, copy, { recursive: true })
      return deviceIn(copy, keys)
    },
  }
}
