// Puts the stages together: opens what must be open, and gives back the one thing the commands need, a cycle. The
// only place that knows which implementation stands behind each argument.

import { randomInt } from 'node:crypto'
import { readFileSync, statfsSync } from 'node:fs'
import { isIP, isIPv6 } from 'node:net'
import type { Measurement } from '../tests-spec/data-formats/measurement.ts'
import coreList from '../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestList, TestListRefused } from '../tests-spec/lists/test-list.ts'
import { isBogon } from '../tests-spec/nettests/bogon.ts'
import type { Receipt } from '../tests-spec/protocol/receipt.ts'
import type { Config } from './config.ts'
import { type CycleReport, runCycle } from './cycle.ts'
import { type Delivery, deliverAndForward } from './deliver.ts'
import { type Collector, readEnrolment } from './enrolment.ts'
import { type Status, writeStatus } from './health/status.ts'
import type { Vantage } from './measurement/envelope.ts'
import { readMemory, writeMemory } from './memory.ts'
import type { LinkControl } from './nettests/link-check.ts'
import type { NettestContext } from './nettests/nettest.ts'
import { registryOf } from './nettests/registry.ts'
import { transactionIds } from './nettests/transaction-ids.ts'
import type { Resolver } from './operations/resolve-dns.ts'
import { makeTrust } from './operations/trust.ts'
import { outboxOf } from './outbox.ts'
import { serveOutbox } from './outbox-socket.ts'
import { ActionableError } from './platform/actionable-error.ts'
import { isDiskFailure, isSick, removeLeftovers } from './platform/atomic-file.ts'
import { type Clock, type MachineClocks, measurementClock } from './platform/clock.ts'
import { type ClockMemory, readClockMemory, writeClockMemory } from './platform/clock-memory.ts'
import { type Identity, openIdentity } from './platform/identity.ts'
import { takeLock } from './platform/lock.ts'
import { type Log, openLog } from './platform/log.ts'
import { openLogRing } from './platform/log-ring.ts'
import { ownAddresses } from './platform/own-addresses.ts'
import type { StateFolder } from './platform/state-folder.ts'
import { WatchedClock } from './platform/watched-clock.ts'
import { learnRecipient } from './recipient.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { Carried } from './stick/carried.ts'
import { lastGoodIn } from './submit/last-good.ts'
import { Uplink } from './submit/uplink.ts'
import { buildDateMs, softwareName, version } from './version.ts'

export interface Agent {
  readonly clock: Clock
  readonly log: Log
  readonly identity: Identity
  readonly collector: Collector | null
  readonly list: TestList
  readonly spool: Spool
  /**
   * Runs one cycle of `list`, with what the cycle before it left.
   * @param untilNextMs - Asked when the upload begins, which must then be over in so many milliseconds; null: no limit.
   */
  cycle(list: TestList, onMeasurement: OnMeasurement, untilNextMs?: UntilNextMs): Promise<CycleReport>
  /** Uploads what waits, between cycles. */
  deliver(untilNextMs: UntilNextMs): Promise<Delivery>
  /** Writes status.json. `nextStartMs` is null when no cycle is planned. */
  report(report: CycleReport, nextStartMs: number | null): Promise<void>
  close(): Promise<void>
}

export type UntilNextMs = () => number | null

export type OnMeasurement = (measurement: Measurement, done: number, of: number) => void

export interface Surroundings {
  readonly folder: StateFolder
  readonly config: Config
  readonly machine: MachineClocks
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds, or at once when the signal, or the other one given here, fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Gets readable log lines; null when nobody watches. */
  readonly terminal: ((line: string) => void) | null
}

/** @throws {ActionableError} When something that a person must mend is in the way. */
export async function assemble({
  folder,
  config,
  machine,
  signal,
  terminal,
  sleep,
}: Surroundings): Promise<Agent> {
  const list = readTestList(config)
  const trust = makeTrust({ extraCa: config.extra_ca.map(readCa) })
  const lock = takeLock(folder.lock)
  const ring = openLogRing(folder.log)
  const log = openLog(ring, terminal, machine.wallMs, config.log_level)
  await removeLeftovers(folder.path).catch(unlessSick)
  const clock = await openClock(folder, machine, log)
  const startedMonotonicMs = clock.monotonicMs()
  const identity = await openIdentity(folder.deviceKey)
  const collector = readEnrolment(folder.enrolment)
  await removeLeftovers(folder.carried).catch(unlessSick)
  const spool = await openOwnSpool(folder, config, clock, identity, list)
  const carried = carriedIn(folder, config)
  const outbox = collector === null ? null : outboxOf(spool, collector, identity.device)
  const served = outbox === null ? null : await serveOutbox(folder.socket, outbox)
  if (outbox !== null && served === null) log.warn('S1101')
  const uplink = collector === null ? null : await openUplink(collector, folder, config, clock, spool)
  const deliverUntil = (untilNextMs: UntilNextMs) => {
    const ms = untilNextMs()
    // Measuring goes first: an upload in the way of the next cycle is cut off and goes on where it stopped.
    const until = ms === null ? signal : AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, ms))])
    const onReceipt = async (receipt: Receipt) => {
      if (collector !== null) await learnRecipient(folder.recipient, collector, receipt)
    }
    return deliverAndForward({ spool, collector, uplink, log, sleep, signal: until, onReceipt }, carried)
  }
  let memory = await readMemory(folder.memory)
  let own = await ownAddresses()

  /** Memory and status are conveniences: a disk that refuses them, for whatever reason, costs a line in the log. */
  const keepIfPossible = async (writing: Promise<void>) => {
    await writing.catch((error) => {
      if (!isDiskFailure(error)) throw error
      log.error('S3903', { error: String(error) })
    })
  }

  let health = spool.stats().health
  /** Every measurement that is refused says so itself; that they are all written since is said once. */
  const noteHealth = () => {
    const now = spool.stats().health
    if (health !== 'ok' && now === 'ok') log.info('S3002')
    health = now
  }

  const context = (
    resolvers: readonly Resolver[],
    resolver: number | null,
    mayAskElsewhere: () => boolean,
  ): NettestContext => ({
    trace: { clock: measurementClock(clock), localAddress: config.local_address, trust, signal },
    transactionIds: transactionIds(),
    resolver: resolvers[resolver ?? randomInt(Math.max(1, resolvers.length))] ?? null,
    helpers: list.helpers,
    neutralName: list.neutral_name,
    foreignName: foreignName(list),
    transferControl: list.transfer_control ?? null,
    mayAskElsewhere,
    // From an address of IPv4 nothing can be sent over IPv6.
    ipv6: own.ipv6 && (config.local_address === null || isIPv6(config.local_address)),
    lab: config.lab,
    wallClock: machine.wallMs,
  })
  const vantage = async (): Promise<Vantage> => {
    // Once a cycle: a phone changes networks, and its addresses with them.
    own = await ownAddresses()
    return {
      softwareName,
      softwareVersion: version,
      probeCc: config.probe_cc,
      probeAsn: config.probe_asn,
      probeNetworkName: config.probe_network_name,
      annotations: annotations(trust.name, config.lab, own.ipv6),
      ownAddresses: own.addresses,
    }
  }

  return {
    clock,
    log,
    identity,
    collector,
    list,
    spool,
    deliver: deliverUntil,
    async cycle(cycleList, onMeasurement, untilNextMs = () => null) {
      const resolvers = config.resolvers ?? cycleList.resolvers
      let questionsElsewhere = maxQuestionsElsewhere
      lock.hold()
      const report = await runCycle(
        {
          clock,
          log,
          list: cycleList,
          seed: identity.device,
          concurrency: config.concurrency,
          ownControls: ownControls(config, collector),
          lab: config.lab,
          repeatAfterMs: config.repeat_after_seconds * 1000,
          nettests: registryOf(cycleList.services),
          context: (resolver) => context(resolvers, resolver, () => questionsElsewhere-- > 0),
          vantage,
          uplink: async () => (await ownAddresses()).uplink,
          spool,
          deliver: () => deliverUntil(untilNextMs),
          signal,
          sleep,
          onMeasurement,
        },
        memory,
      )
      memory = report.memory
      noteHealth()
      await keepIfPossible(writeMemory(folder.memory, memory))
      return report
    },
    async report(report, nextStartMs) {
      const facts = {
        identity,
        collector,
        list,
        spool,
        clock: clock.quality(),
        logLinesDropped: ring.dropped(),
        uplink,
        startedAt: clock.now() - (clock.monotonicMs() - startedMonotonicMs),
      }
      const written = writeStatus(folder.status, statusOf(report, nextStartMs, clock.now(), facts))
      await keepIfPossible(written)
    },
    async close() {
      served?.close()
      await spool.close()
      ring.close()
      lock.release()
    },
  }
}

/** One write at a time, the newest last. Nobody waits: what is lost with it is a better guess at the next start. */
function inOrder(
  write: (memory: ClockMemory) => Promise<void>,
  log: Pick<Log, 'warn'>,
): (memory: ClockMemory) => void {
  let last: Promise<void> = Promise.resolve()
  return (memory) => {
    last = last.then(() => write(memory)).catch((error) => log.warn('S6901', { error: String(error) }))
  }
}

/** The clock of this state folder. The caller holds its lock. */
export async function openClock(
  folder: StateFolder,
  machine: MachineClocks,
  log: Pick<Log, 'info' | 'warn'>,
): Promise<WatchedClock> {
  return new WatchedClock(machine, {
    buildDateMs,
    memory: await readClockMemory(folder.clock),
    remember: inOrder((memory) => writeClockMemory(folder.clock, memory), log),
    log: (level, code, fields) => log[level](code, fields),
  })
}

/** The spool of this state folder. The caller holds its lock. */
export function openOwnSpool(
  folder: StateFolder,
  config: Config,
  clock: WatchedClock,
  identity: Identity,
  list: TestList,
): Promise<Spool> {
  return openSpool({
    dir: folder.spool,
    clock,
    witness: clock,
    device: identity.device,
    privateKey: identity.privateKey,
    quotaBytes: config.spool_quota_mb * 1_000_000,
    agentVersion: version,
    lists: () => ({ [list.name]: list.version }),
  })
}

/** Other probes' files get what the disk has beyond this probe's whole quota, whether that is used yet or not. */
export function carriedIn(folder: StateFolder, config: Config): Carried {
  const own = config.spool_quota_mb * 1_000_000
  return new Carried({
    dir: folder.carried,
    quotaBytes: config.carry_quota_mb * 1_000_000,
    roomBytes() {
      const { bavail, bsize } = statfsSync(folder.carried)
      return bavail * bsize - own
    },
  })
}

/** Whatever its URL says, the collector is known by its key. */
async function openUplink(
  collector: Collector,
  folder: StateFolder,
  config: Config,
  clock: Clock,
  spool: Spool,
): Promise<Uplink> {
  const { url, endpoints, collectorKeyId, collectorKey } = collector
  return Uplink.open({
    collectorKeyId,
    collectorKey,
    endpoints: [{ kind: 'collector', url }, ...config.endpoints, ...endpoints],
    lastGood: lastGoodIn(folder.upload),
    now: () => clock.monotonicMs(),
    chance: () => randomInt(2 ** 32) / 2 ** 32,
    spreadMs: config.upload_spread_seconds * 1000,
    // One batch is on its way at a time, and it is the first in order.
    maybeOffered: spool
      .pending()
      .slice(0, 1)
      .map(({ id }) => id),
  })
}

function unlessSick(error: unknown): void {
  if (!isSick(error)) throw error
}

export function readTestList(config: Config): TestList {
  if (config.test_list === null) return parseTestList(coreList)
  try {
    return parseTestList(JSON.parse(readFileSync(config.test_list, 'utf8')))
  } catch (cause) {
    const why = cause instanceof TestListRefused || cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_test_list', `Cannot use the test list ${config.test_list}: ${why}`, {
      cause,
    })
  }
}

/** A collector on this very machine says nothing of the link. */
function ownControls({ provider_site, lab }: Config, collector: Collector | null): LinkControl[] {
  const controls: LinkControl[] = []
  if (provider_site !== null) controls.push({ url: provider_site, role: 'provider', expect: null })
  if (collector !== null) {
    const url = new URL('healthz', collector.url.replace(/\/*$/, '/'))
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const isHere = host === 'localhost' || (isIP(host) !== 0 && isBogon(host))
    if (lab || !isHere) controls.push({ url: url.href, role: 'collector', expect: { status: 200 } })
  }
  return controls
}

/** Of a cycle. Where thirty names are blocked, eight tell how, and each costs as much as a check: 6 kB. */
const maxQuestionsElsewhere = 8

/** The host of a control is as unblocked as can be; at the neutral host it is as foreign as a target's name. */
function foreignName({ controls, neutral_name }: TestList): string | null {
  const hosts = controls.map(({ url }) => new URL(url).hostname)
  return hosts.find((host) => isIP(host) === 0 && !host.startsWith('[') && host !== neutral_name) ?? null
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ActionableError('bad_config', `Cannot read the CA certificate ${path} named in extra_ca`, {
      cause,
    })
  }
}

function annotations(roots: string, lab: boolean, ipv6: boolean): Record<string, string> {
  return {
    architecture: process.arch,
    platform: process.platform,
    engine_name: softwareName,
    engine_version: version,
    node_version: process.versions.node,
    openssl_version: process.versions.openssl,
    x_sonde_trust_store: roots,
    x_sonde_ipv6: String(ipv6),
    ...(lab ? { x_sonde_lab: 'true' } : {}),
  }
}

interface Facts {
  readonly identity: Identity
  readonly collector: Collector | null
  readonly list: TestList
  readonly spool: Spool
  readonly clock: string
  readonly logLinesDropped: number
  readonly uplink: Uplink | null
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

function statusOf(report: CycleReport, nextStartMs: number | null, now: number, facts: Facts): Status {
  const { delivery } = report
  const stats = facts.spool.stats()
  return {
    v: 1,
    version,
    device: facts.identity.device,
    collector: facts.collector?.url ?? null,
    written_at: now,
    clock: facts.clock,
    list: { name: facts.list.name, version: facts.list.version, entries: facts.list.entries.length },
    link: report.memory.link,
    last_cycle: {
      finished_at: now,
      measurements: report.measurements,
      anomalies: report.anomalies,
      bugs: report.bugs,
    },
    next_cycle_at: nextStartMs,
    spool: {
      unsealed: stats.unsealed,
      pending_batches: stats.pendingBatches,
      pending_bytes: stats.pendingBytes,
      quarantined: stats.quarantined,
      lost: stats.lost,
      oldest_at: stats.oldestWallMs,
      disk_bytes: stats.diskBytes,
      health: stats.health,
      written_bytes: stats.bytesWritten,
      flushes: stats.flushes,
    },
    started_at: facts.startedAt,
    upload: { kind: delivery.kind, at: now, accepted: delivery.accepted, reason: delivery.reason },
    ways: (facts.uplink?.counts ?? []).map(({ lastFailure, ...way }) => ({
      ...way,
      last_failure: lastFailure,
    })),
    log_lines_dropped: facts.logLinesDropped,
  }
}
