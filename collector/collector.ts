// Puts the collector together over one state folder: what is on the disk becomes what intake, index and server share.

import { join } from 'node:path'
import type { NetworkOf } from '../tests-spec/plain/lookups.ts'
import { type BatchId, sha256Hex } from '../tests-spec/protocol/batch.ts'
import { type KeyLookup, onlyKey } from '../tests-spec/protocol/dsse.ts'
import type { Endpoint } from '../tests-spec/protocol/endpoint.ts'
import { Archive } from './archive/archive.ts'
import { Attempts } from './archive/attempts.ts'
import { type CollectorKey, openCollectorKey } from './archive/collector-key.ts'
import { clearForgotten, makeFolder } from './archive/durable-file.ts'
import { ProbeRegister } from './archive/probe-register.ts'
import { openSealingKey } from './archive/sealing-key.ts'
import { readSuspected } from './archive/suspicions.ts'
import { TokenBox } from './archive/token-box.ts'
import { type BatchToIndex, Indexer } from './index/indexer.ts'
import type { MeasurementIndex } from './index/measurement-index.ts'
import { Chains, type Place, placeOf } from './intake/chains.ts'
import { DiskShares } from './intake/disk-shares.ts'
import { EnrolmentDesk } from './intake/enrolment-desk.ts'
import { Intake } from './intake/intake.ts'
import { SealedBodies } from './intake/sealed-bodies.ts'
import { SealedIntake } from './intake/sealed-intake.ts'
import { type UploadLimits, Uploads } from './intake/uploads.ts'
import type { Log } from './log.ts'
import { PublishedLists } from './publish/published-lists.ts'
import { type HelperSettings, TestHelper } from './test-helper/test-helper.ts'

export interface Collector {
  /** The state folder. */
  readonly state: string
  readonly key: CollectorKey
  /** Whom probes seal to for a stick: `age1…`. */
  readonly recipient: string
  readonly archive: Archive
  readonly probes: ProbeRegister
  readonly desk: EnrolmentDesk
  readonly intake: Intake
  readonly sealedIntake: SealedIntake
  /** Sealed files on their way in. */
  readonly sealedBodies: SealedBodies
  readonly uploads: Uploads
  /** null when it cannot be opened: batches are then received as ever, and there is nothing to look at. */
  readonly index: MeasurementIndex | null
  readonly indexer: Indexer | null
  readonly attempts: Attempts
  /** null when this collector publishes no lists, or cannot. */
  readonly lists: PublishedLists | null
  /** null when this collector is no test helper. */
  readonly helper: TestHelper | null
  /** Whose an address is, for readers of exports; nobody's without a table. */
  readonly networkOf: NetworkOf
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Ends the work behind. The server must be closed by then. */
  stop(): Promise<void>
}

export interface CollectorSettings {
  /** The state folder; made when it is missing. */
  readonly state: string
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Opens the index at this path; null to do without. */
  readonly openIndex: ((path: string) => Promise<MeasurementIndex>) | null
  /** Absent or null: not a test helper. */
  readonly helper?: HelperSettings | null
  /** Ways to this collector, for the enrolment records it issues. */
  readonly endpoints?: readonly Endpoint[]
  /** The root of trust of test lists: they are published here, and enrolment records name it. Absent or null: none. */
  readonly listsRoot?: Uint8Array | null
  /** Absent: nobody knows. */
  readonly networkOf?: NetworkOf
  /** Bytes of the disk that one probe may take. Absent: the usual. */
  readonly shareBytes?: number
  /** Absent: the usual ones. */
  readonly uploadLimits?: UploadLimits
}

/** Signatures of lists live for weeks; an hour is nothing to that. */
const renewListsEveryMs = 3_600_000

/** The wall clock may be set; how long an upload lies about is not its business. */
const monotonicMs = () => performance.now()

export const indexPath = (state: string) => join(state, 'index.sqlite')

/** Opens a state folder. Only one process may have it open. */
export async function openCollector(settings: CollectorSettings): Promise<Collector> {
  const { state, log, now, openIndex, helper = null, listsRoot = null } = settings
  await makeFolder(state)
  const key = await openCollectorKey(state)
  const archive = await Archive.open(state)
  const probes = await ProbeRegister.open(state, key.id)
  const sealingKey = await openSealingKey(
    state,
    probes.all().some((probe) => probe.recipient !== null),
  )
  const { recipient } = sealingKey
  const tokens = await TokenBox.open(state)
  for (const name of ['', 'probes', 'revoked', 'tokens', ...(await archive.conflictFolders())])
    await clearForgotten(join(state, name), now())
  for (const name of probes.damaged) log.error('probe_damaged', { name })
  const index = openIndex === null ? null : await openIndexOrNot(() => openIndex(indexPath(state)), log)
  index?.suspectBy(() => readSuspected(state))
  const attempts = Attempts.open(state)
  const lists = listsRoot === null ? null : await PublishedLists.open({ state, root: listsRoot, now, log })
  const renewing = setInterval(() => void lists?.renew(), renewListsEveryMs).unref()
  const shares = new DiskShares(settings.shareBytes)
  for await (const [device, bytes] of archive.conflictBytes()) shares.add(device, bytes)
  const { chains, held } = readArchive(archive, probes, shares, log)
  const indexer: Indexer | null =
    index === null
      ? null
      : new Indexer({
          index,
          read: (id) => readBatch(archive, id, onlyKey(key)),
          intakeUnderWay: () => intake.underWay,
          log,
          attempts,
        })
  const onStored = (id: BatchId) => indexer?.offer(id)
  const intake = new Intake({ archive, probes, chains, shares, key, recipient, now, log, onStored })
  for (const id of held) indexer?.offer(id)
  if (helper?.allowPrivate) log.warn('helper_allows_private')
  return {
    state,
    key,
    recipient,
    archive,
    probes,
    intake,
    sealedIntake: new SealedIntake({ identities: sealingKey.identities, intake, key, now, log }),
    index,
    indexer,
    attempts,
    lists,
    helper: helper === null ? null : new TestHelper(helper),
    networkOf: settings.networkOf ?? (() => null),
    log,
    now,
    desk: new EnrolmentDesk({
      tokens,
      probes,
      key,
      recipient,
      now,
      log,
      endpoints: settings.endpoints ?? [],
      listsRoot: listsRoot === null ? null : sha256Hex(listsRoot),
    }),
    sealedBodies: new SealedBodies(join(state, 'incoming'), monotonicMs),
    uploads: new Uploads(intake.admission, monotonicMs, settings.uploadLimits),
    async stop() {
      clearInterval(renewing)
      await indexer?.stop()
      index?.close()
    },
  }
}

/** Reads a batch for the index. */
export async function readBatch(
  archive: Archive,
  id: BatchId,
  keyOf: KeyLookup,
): Promise<BatchToIndex | null> {
  const receivedAt = await archive.receivedAt(id, keyOf)
  const content = await archive.content(id)
  return receivedAt === null || content === null ? null : { ...content, receivedAt }
}

async function openIndexOrNot(open: () => Promise<MeasurementIndex>, log: Log) {
  try {
    return await open()
  } catch (err) {
    // An alarm and not the end: what probes send today cannot be had tomorrow, tables can.
    log.error('no_index', { err })
    return null
  }
}

/** One pass over the archive: what is held, and how it links. */
function readArchive(
  archive: Archive,
  probes: ProbeRegister,
  shares: DiskShares,
  log: Log,
): { chains: Chains; held: BatchId[] } {
  const places: Place[] = []
  const held: BatchId[] = []
  const strangers = new Map<string, number>()
  for (const scanned of archive.scan()) {
    if (scanned.kind === 'batch') {
      const { id, manifest, payloadOffset } = scanned.batch
      places.push(placeOf(id, manifest))
      held.push(id)
      shares.add(manifest.device, payloadOffset + manifest.payload.len)
      if (probes.get(manifest.device) === null)
        strangers.set(manifest.device, (strangers.get(manifest.device) ?? 0) + 1)
    } else if (scanned.kind === 'gone') {
      const { batch: id, device, epoch, seq, prev } = scanned.tombstone
      places.push({ id, device, epoch, seq, prev })
    } else log.error('archive_damaged', { path: scanned.path, problem: scanned.problem })
  }
  // Its probe is turned away, and goes on being so until its record is back: nothing else would tell.
  for (const [device, batches] of strangers) log.error('probe_missing', { device, batches })
  const { chains, contradictions } = Chains.of(places, (device) => probes.get(device)?.digest ?? null)
  for (const contradiction of contradictions) log.error('archive_contradicts', { problem: contradiction })
  log.info('archive_read', { batches: held.length, removed: places.length - held.length })
  return { chains, held }
}
