// Which probes may send: one signed enrolment record per probe, kept as it was issued, `probes/<device>.json`. A
// probe with a file `revoked/<device>.json` may not send until that file is gone. The batches that it sent before
// stay.

import type { KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeviceId } from '../../tests-spec/protocol/batch.ts'
import { publicKeyFrom } from '../../tests-spec/protocol/dsse.ts'
import { openEnrolment } from '../../tests-spec/protocol/enrolment.ts'
import { makeFolder, syncFolder, temporarySuffix, writeDurably } from './durable-file.ts'

export interface EnrolledProbe {
  readonly device: DeviceId
  readonly publicKey: KeyObject
  /** Milliseconds since 1970 on the collector's clock. */
  readonly enrolledAt: number
  /** SHA-256 of the record's payload, which seq 0 of every epoch of this probe links back to. */
  readonly digest: string
  /** The age recipient that the record named; null when there was none. */
  readonly recipient: string | null
  /** The DSSE envelope, byte for byte as the probe got it. */
  readonly record: Buffer
}

export class ProbeRegister {
  readonly #folder: string
  readonly #revoked: string
  readonly #collectorKeyId: string
  readonly #probes = new Map<string, EnrolledProbe>()
  /**
   * Names of files that are not a record that this collector signed. Their probes count as unknown until the operator
   * looks into it.
   */
  readonly damaged: string[] = []

  private constructor(state: string, collectorKeyId: string) {
    this.#folder = join(state, 'probes')
    this.#revoked = join(state, 'revoked')
    this.#collectorKeyId = collectorKeyId
  }

  static async open(state: string, collectorKeyId: string): Promise<ProbeRegister> {
    const register = new ProbeRegister(state, collectorKeyId)
    await makeFolder(register.#folder)
    await makeFolder(register.#revoked)
    for (const name of await readdir(register.#folder)) {
      // A file that cannot be read counts as damaged, as one with wrong content does.
      const record = await readFile(join(register.#folder, name)).catch(() => Buffer.alloc(0))
      if (!name.endsWith(temporarySuffix)) register.#read(name, record)
    }
    return register
  }

  get(device: string): EnrolledProbe | null {
    return this.#probes.get(device) ?? null
  }

  /** Read from the disk each time, which takes a few microseconds: `sonde-collector revoke` is another process. */
  isRevoked(device: string): boolean {
    return existsSync(join(this.#revoked, `${device}.json`))
  }

  /**
   * Takes no more batches from a probe. Survives a power cut when it resolves.
   * @param now - Milliseconds since 1970, for the file.
   */
  async revoke(device: DeviceId, now: number): Promise<void> {
    await writeDurably(join(this.#revoked, `${device}.json`), Buffer.from(JSON.stringify({ revokedAt: now })))
  }

  /**
   * As `revoke()`, by the word of the probe's host, which is kept.
   * @param word - The envelope as it came.
   */
  async withdraw(device: DeviceId, word: Uint8Array, now: number): Promise<void> {
    const content = { revokedAt: now, farewell: Buffer.from(word).toString('base64') }
    await writeDurably(join(this.#revoked, `${device}.json`), Buffer.from(JSON.stringify(content)))
  }

  /** Takes batches of a revoked probe again: the probe has kept what it measured meanwhile. */
  async readmit(device: DeviceId): Promise<void> {
    await rm(join(this.#revoked, `${device}.json`), { force: true })
    await syncFolder(this.#revoked)
  }

  all(): EnrolledProbe[] {
    return [...this.#probes.values()]
  }

  /** Keeps a record that this collector has just signed. Survives a power cut when it resolves. */
  async put(record: Buffer): Promise<EnrolledProbe> {
    const probe = this.#open(record)
    await writeDurably(join(this.#folder, `${probe.device}.json`), record)
    this.#probes.set(probe.device, probe)
    return probe
  }

  #read(name: string, record: Buffer): void {
    try {
      const probe = this.#open(record)
      if (name !== `${probe.device}.json`) throw new Error(`record of ${probe.device}`)
      this.#probes.set(probe.device, probe)
    } catch {
      // One bad file must not keep all other probes out; `damaged` is logged as an alarm at start.
      this.damaged.push(name)
    }
  }

  #open(record: Buffer): EnrolledProbe {
    const { enrolment, digest } = openEnrolment(record, this.#collectorKeyId)
    const { device, spki, at, recipient = null } = enrolment
    return { device, publicKey: publicKeyFrom(spki), enrolledAt: at, digest, recipient, record }
  }
}
