// Puts the stages together: opens everything that a cycle needs, and returns the one thing that the commands need, a
// cycle. It is the only place that knows which implementation stands behind each argument.

import { existsSync } from 'node:fs'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { Campaign } from '../../tests-spec/lists/campaign.ts'
import { scopesOf } from '../../tests-spec/lists/orders.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Config } from '../config.ts'
import { pausedUntil, writePause } from '../consent/pause.ts'
import { type CycleReport, runCycle, type Stages } from '../cycle/cycle.ts'
import { type Delivery, deliverAndForward, notDue } from '../cycle/deliver.ts'
import type { Upcoming } from '../cycle/loop.ts'
import { readMemory, writeMemory } from '../cycle/memory.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { learnRecipient } from '../enrolment/recipient.ts'
import { heartbeatFile } from '../health/heartbeat-file.ts'
import { noteStart, type Starts } from '../health/starts.ts'
import { type Status, writeStatus } from '../health/status.ts'
import { opaqueId } from '../measurement/opaque-id.ts'
import { makeTrust } from '../operations/trust.ts'
import { OrderBook } from '../orders/order-book.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { areFoldersFlushed, isDiskFailure, removeLeftovers } from '../platform/atomic-file.ts'
import type { MachineClocks } from '../platform/clock.ts'
import { errorWord } from '../platform/error-word.ts'
import type { Identity } from '../platform/identity.ts'
import { inPlace } from '../platform/in-place.ts'
import { takeLock } from '../platform/lock.ts'
import { type Log, openLog } from '../platform/log.ts'
import { openLogRing } from '../platform/log-ring.ts'
import { ownName } from '../platform/running-process.ts'
import { placeNow, type StateFolder } from '../platform/state-folder.ts'
import type { WatchedClock } from '../platform/watched-clock.ts'
import { nodeDisk, type Spool } from '../spool/spool.ts'
import { serveSpool } from '../stick/spool-socket.ts'
import type { Way } from '../submit/ways/way.ts'
import type { Allowed } from '../testlist/lists-in-force.ts'
import { statusOf } from './cycle-status.ts'
import { measuringStages } from './measuring-stages.ts'
import { readCas } from './named-files.ts'
import { openClock } from './open-clock.ts'
import { Lists } from './open-lists.ts'
import { carriedIn, openOwnSpool } from './open-spool.ts'
import { openSpoolAccess } from './open-spool-access.ts'
import { openUplink } from './open-uplink.ts'
import { powerWatch } from './power-watch.ts'
import { speakerOf } from './speaker.ts'
import { whoWeAre } from './who-we-are.ts'

export interface Agent {
  readonly clock: WatchedClock
  readonly log: Log
  readonly identity: Identity
  readonly collector: Collector | null
  /** What is measured now: it changes between cycles, when a signed list came. */
  readonly list: TestList
  readonly campaigns: readonly Campaign[]
  readonly spool: Spool
  /**
   * Runs one cycle of `list`, with the memory that the cycle before it left. A part of the schedule is left out while a phone's
   * battery is low or hot.
   * @param part - What of an interval it is; everything unless said.
   */
  cycle(list: TestList, onMeasurement: OnMeasurement, part?: Part): Promise<CycleReport>
  /**
   * Uploads the batches that wait, between cycles.
   * @param ending - Ends it, beside the signal of the process.
   */
  deliver(untilNextMs: UntilNextMs, ending?: AbortSignal): Promise<Delivery>
  /** To be called when the host has agreed to something else. */
  lookAgain(): Promise<void>
  /** Tells a watchdog outside that something was finished. */
  beat(): Promise<void>
  /** Writes status.json. `nextStartMs` is null when no cycle is planned. */
  report(report: CycleReport, nextStartMs: number | null, campaigns?: Upcoming['campaigns']): Promise<void>
  /** Whether a cycle was ordered; once for each. */
  isOrdered(): boolean
  /** How the run before this one ended, and how many there were. */
  readonly starts: Pick<Starts, 'boots' | 'starts' | 'before'>
  /** @param how - What the next start is to know of the end of this one; `stopped` unless said. */
  close(how?: 'stopped' | 'failed'): Promise<void>
}

export type UntilNextMs = () => number | null

/** A cycle as a part of an interval. */
export interface Part {
  /** In how many such cycles the list is measured. */
  readonly rounds: number
  /** Whether it uploads also when it has found nothing new. */
  readonly uploads: boolean
  readonly annotations: Stages['annotations']
  /**
   * Asked when the upload begins: gives the milliseconds within which it must be over; null for no limit.
   * @param changes - How many targets changed their state.
   */
  untilNextMs(changes: number): number | null
  /** Ends it as the signal of the process does, which this one includes; that signal unless said. */
  readonly signal?: AbortSignal
}

export const everything: Part = {
  rounds: 1,
  uploads: true,
  annotations: () => ({}),
  untilNextMs: () => null,
}

export type OnMeasurement = (measurement: Measurement, done: number, of: number) => void

export interface Surroundings {
  readonly folder: StateFolder
  readonly config: Config
  readonly machine: MachineClocks
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds, or at once when the signal, or the other one given here, fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Gets readable log lines; null when there is no terminal. */
  readonly terminal: ((line: string) => void) | null
  /** What the host agreed to beyond the core list; nothing unless said. */
  readonly allowed?: () => Allowed
}

/** @throws {ActionableError} When there is an obstacle that the operator must remove. */
export async function assemble({
  folder,
  config,
  machine,
  signal,
  terminal,
  sleep,
  allowed = () => ({ groups: false, categories: new Set() }),
}: Surroundings): Promise<Agent> {
  const trust = makeTrust({ extraCa: readCas(config) })
  const lock = takeLock(folder.lock)
  const ring = openLogRing(folder.log)
  const log = openLog(ring, terminal, machine.wallMs, config.log_level)
  if (lock.tookOver) log.info('S1003')
  const place = placeNow(folder.path)
  await removeLeftovers(folder.path).catch(unlessDisk)
  const disk = inPlace(nodeDisk, place)
  const clock = await openClock(folder, machine, log, disk)
  const startedMonotonicMs = clock.monotonicMs()
  const beat = heartbeatFile(config.heartbeat_file, machine.monotonicMs)
  const power = powerWatch(config, log, machine.wallMs)
  const { identity, keyless, collector } = await whoWeAre(folder, log)
  await removeLeftovers(folder.carried).catch(unlessDisk)
  const lists = await Lists.open({
    ...{ folder, config, collector, clock, log, allowed, disk },
    scopes: scopesOf(identity.device, config.groups),
  })
  const versions = () => lists.inForce.versions
  const starts = await noteStart(folder.starts, clock.bootId, !existsSync(folder.status), disk)
  let linkState = 'unknown'
  const book = await OrderBook.open(folder.orders, disk)
  log.wholeUntil(book.debugUntilMs)
  const speaker = speakerOf(folder, book, () => {
    const { oldestWallMs, health } = spool.stats()
    return {
      upMs: clock.monotonicMs() - startedMonotonicMs,
      starts,
      link: linkState,
      oldestMs: oldestWallMs === null ? null : clock.now() - oldestWallMs,
      memoryOnly: health !== 'ok',
      codes: log.recent(),
    }
  })
  const spool = await openOwnSpool(folder, config, clock, identity, versions, log, keyless, speaker, disk)
  const carried = carriedIn(folder, config)
  const access = collector === null ? null : openSpoolAccess(spool, collector, identity.device)
  const served = access === null ? null : await serveSpool(folder.socket, access)
  if (access !== null && served === null) log.warn('S1101')
  const uplink = collector === null ? null : await openUplink(collector, folder, config, clock, spool, disk)
  const obey = async () => {
    const { given, nowMs } = await lists.orders()
    try {
      for (const { n, do: word, outcome } of await book.obey(given, nowMs))
        log.info('S7201', { n, do: word, outcome })
      log.wholeUntil(book.debugUntilMs)
      const until = book.takePause()
      // The host's own stays when it is longer, and they can end this one as they can end that.
      if (until !== null && until > ((await pausedUntil(folder.pause, clock.now())) ?? 0))
        await writePause(folder.pause, until, disk)
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      log.error('S7202')
    }
  }
  const deliverUntil = (untilNextMs: UntilNextMs, ending: AbortSignal = signal) => {
    const ms = untilNextMs()
    // Measuring goes first: an upload that runs into the next cycle is cut off, and goes on later where it stopped.
    const until = ms === null ? ending : AbortSignal.any([ending, AbortSignal.timeout(inTimer(ms))])
    const onReceipt = async (receipt: Receipt) => {
      void beat()
      if (collector !== null) await learnRecipient(folder.recipient, collector, receipt, disk)
    }
    const refreshLists = async (way: Way | null) => {
      const spent = await lists.refresh(uplink, way, until)
      await obey()
      return spent
    }
    const delivering = { spool, collector, uplink, log, sleep, signal: until, onReceipt, refreshLists }
    return deliverAndForward(delivering, carried)
  }
  const self = ownName()
  if (!areFoldersFlushed()) log.warn('S3110')
  const controls = lists.inForce.list.controls.map(({ url }) => url)
  let memory = await readMemory(folder.memory, controls)
  const seed = identity.device
  const means = { config, collector, trust, clock, wallMs: machine.wallMs, log, seed, signal, sleep }
  const stagesFor = await measuringStages(means)

  /**
   * Memory and status are conveniences: if the disk refuses them, for whatever reason, that costs a line in the log.
   */
  const keepIfPossible = async (writing: Promise<void>) => {
    await writing.catch((error) => {
      if (!isDiskFailure(error)) throw error
      log.error('S3903', { error: errorWord(error) })
    })
  }

  /** @throws {ActionableError} `bad_state`, when another folder is where the state folder was. */
  const stayPut = async () => {
    if (place.isStill()) return
    log.error('S3904')
    // Into files that are open still, which are in the old folder.
    await spool.flush()
    const { inMemory } = spool.stats()
    const lost = inMemory === 0 ? '' : ` ${inMemory} results were in memory only, and are lost.`
    throw new ActionableError(
      'bad_state',
      `The state folder ${folder.path} is another one than at the start: a file system was mounted there, or it was replaced. Start again, to go on in the new one; what was measured before is in the old one.${lost}`,
    )
  }

  let upload: Status['upload'] = null
  let health = spool.stats().health
  /**
   * Each measurement that the disk refuses is logged when that happens; that all of them are written is logged once.
   */
  const noteHealth = () => {
    const now = spool.stats().health
    if (health !== 'ok' && now === 'ok') log.info('S3002')
    health = now
  }

  return {
    clock,
    log,
    identity,
    collector,
    get list() {
      return lists.inForce.list
    },
    get campaigns() {
      return lists.inForce.campaigns
    },
    spool,
    beat,
    deliver: deliverUntil,
    lookAgain: () => lists.lookAgain(),
    async cycle(cycleList, onMeasurement, part = everything) {
      await stayPut()
      lock.hold()
      // Who asks for one look gets it; only the schedule rests.
      if (part !== everything && power.look() !== null)
        return { memory, measurements: 0, anomalies: 0, bugs: 0, changes: [], delivery: notDue }
      await lists.beginUse()
      const ofLists = lists.annotations
      const report = await runCycle(
        {
          ...stagesFor(cycleList, {
            rounds: part.rounds,
            signal: part.signal ?? signal,
            annotations: (...of) => ({ ...ofLists, ...part.annotations(...of) }),
          }),
          spool,
          deliver: async ({ changes, isNews, link }) => {
            linkState = link.state
            return collector === null || part.uploads || isNews
              ? deliverUntil(() => part.untilNextMs(changes.length), part.signal)
              : notDue
          },
          onMeasurement(measurement, ...progress) {
            void beat()
            const { test_name, input, test_keys } = measurement
            const { verdict, rule } = test_keys.x_sonde_verdict
            log.debug('S2001', { target: opaqueId(`${test_name} ${input ?? ''}`), verdict, rule })
            onMeasurement(measurement, ...progress)
          },
        },
        memory,
      )
      await stayPut()
      await lists.endUse()
      memory = report.memory
      noteHealth()
      await keepIfPossible(writeMemory(folder.memory, memory, disk))
      return report
    },
    async report(report, nextStartMs, campaigns = { current: [], next: null }) {
      const { kind, accepted, reason } = report.delivery
      if (kind !== 'not_due') upload = { kind, at: clock.now(), accepted, reason }
      const facts = {
        upload,
        identity,
        collector,
        list: lists.inForce.list,
        lists: lists.status,
        campaigns,
        spool,
        clock: clock.quality(),
        logLinesDropped: ring.dropped(),
        uplink,
        startedAt: clock.now() - (clock.monotonicMs() - startedMonotonicMs),
        process: self,
        power: power.status(),
      }
      const written = writeStatus(folder.status, statusOf(report, nextStartMs, clock.now(), facts), disk)
      await keepIfPossible(written)
    },
    starts,
    isOrdered: () => book.takeCycle(),
    async close(how = 'stopped') {
      served?.close()
      await spool.close()
      await starts.end(how)
      ring.close()
      lock.release()
    },
  }
}

/** Longer timers fire at once, and a part of a millisecond is refused. Where a schedule begins once a year, an upload may take days. */
const longestTimerMs = 2 ** 31 - 1
const inTimer = (ms: number) => Math.floor(Math.min(Math.max(0, ms), longestTimerMs))

/** A folder that root made may not be this user's to look into. */
function unlessDisk(error: unknown): void {
  if (!isDiskFailure(error)) throw error
}
