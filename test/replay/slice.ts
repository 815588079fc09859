// One part of an evening, played in a lab of its own: a collector outside the country, devices enrolled with it, and
// the clock of all of them set to each moment in turn. At a moment the policies of that minute are put in force and
// every device that is due runs one cycle, `sonde once`.
//
// The clock is moved and never quickened: within a moment a second is a second, so that every deadline of the agent is
// as long as in the field. `sonde run` would have to wait for its schedule in real time; which instants its schedule
// gives is asked of the same code (visits.ts).

import { readFileSync } from 'node:fs'
import { modernNode } from '../../build/modern-node.ts'
import { caFile } from '../lab/keys.ts'
import { clockEnvironment, fakeTimeLibrary, type Lab } from '../lab/lab.ts'
import type { Order } from '../lab/labd.ts'
import { labList } from '../lab/list.ts'
import type { Namespace } from '../lab/network.ts'
import type { Rule } from '../lab/policy.ts'
import { type IspKey, isps, outside } from '../lab/topology.ts'
import { agentBundle, collectorBundle, type Ended } from '../support/processes.ts'
import { type Evening, rulesAt } from './evening.ts'
import type { Enrolled } from './received.ts'
import { type DeviceKey, type Moment, repeatAfterSeconds, type ScheduleKey, type Visit } from './visits.ts'

export interface PlayedSlice {
  /** Of the collector's export. */
  readonly lines: readonly string[]
  readonly enrolled: Enrolled
}

/** Told of each moment when it is over. */
export type OnMoment = (moment: Moment, seconds: number) => void

const collectorUrl = `http://${outside.address}:${outside.collectorPort}`
const collectorState = '/run/lab/collector'
const clockFile = '/run/lab/clock'
/** Before the first moment: time to be enrolled in. */
const earlierMs = 60_000
export async function playSlice(
  lab: Lab,
  evening: Evening,
  moments: readonly Moment[],
  onMoment: OnMoment,
): Promise<PlayedSlice> {
  const first = moments[0]
  if (first === undefined) return { lines: [], enrolled: {} }
  const stage = new Stage(lab, evening)
  await stage.open(first.at - earlierMs)
  const enrolled: Record<string, Enrolled[string]> = {}
  for (const { schedule, device } of moments.flatMap(({ visits }) => visits)) {
    const known = Object.values(enrolled).some((each) => each.schedule === schedule && each.device === device)
    if (!known) enrolled[await stage.enrol(schedule, device)] = { schedule, device }
  }
  for (const moment of moments) {
    const begun = performance.now()
    await stage.play(moment)
    onMoment(moment, (performance.now() - begun) / 1000)
  }
  return { lines: await stage.received(), enrolled }
}

class Stage {
  readonly #lab: Lab
  readonly #evening: Evening
  /** Seconds from the machine's clock to the evening's. */
  #aheadSeconds = 0
  readonly #inForce = new Map<IspKey, string>()

  constructor(lab: Lab, evening: Evening) {
    this.#lab = lab
    this.#evening = evening
  }

  async open(at: number): Promise<void> {
    await this.#setClock(at)
    await this.#lab.order({
      do: 'start',
      namespace: 'outside',
      argv: [
        ...[modernNode(), collectorBundle, 'serve', '--state', collectorState, '--log', 'warn'],
        ...['--host', outside.address, '--readers', 'anyone', '--port', String(outside.collectorPort)],
      ],
      env: {
        LD_PRELOAD: fakeTimeLibrary() ?? '',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_TIMESTAMP_FILE: clockFile,
        // Without it a jump is noticed up to ten seconds late.
        FAKETIME_NO_CACHE: '1',
      },
    })
  }

  /** @returns The device's id. */
  async enrol(schedule: ScheduleKey, device: DeviceKey): Promise<string> {
    const token = await this.#run('outside', [
      ...[modernNode(), collectorBundle, 'token', '--state', collectorState],
    ])
    const said = await this.#run(namespaceOf(device), [
      ...[modernNode(), agentBundle, 'enrol', collectorUrl, token.trim()],
      ...['--state', stateOf(schedule, device)],
    ])
    const id = /Enrolled as ([0-9a-f]{32})/.exec(said)?.[1]
    if (id === undefined) throw new Error(`Cannot enrol a device of the replay: ${said}`)
    return id
  }

  /** Every device that is due, side by side; the one on both lines measures one after the other. */
  async play({ at, visits }: Moment): Promise<void> {
    for (const isp of ['o', 'm'] as const) await this.#enforce(isp, rulesAt(this.#evening, isp, at))
    await this.#setClock(at)
    const devices = new Set(visits.map(({ schedule, device }) => stateOf(schedule, device)))
    await Promise.all(
      [...devices].map(async (state) => {
        for (const visit of visits)
          if (stateOf(visit.schedule, visit.device) === state) await this.#measure(visit)
      }),
    )
  }

  async #enforce(isp: IspKey, rules: readonly Rule[]): Promise<void> {
    const text = JSON.stringify(rules)
    if (this.#inForce.get(isp) === text) return
    await this.#lab.policy(isp, rules)
    this.#inForce.set(isp, text)
  }

  /** Everything, when the collector has read all it received. */
  async received(): Promise<string[]> {
    const text = await this.#run('outside', [
      ...[modernNode(), '--input-type=module', '--eval', readExport, collectorUrl],
    ])
    return text.split('\n').filter(Boolean)
  }

  async #measure({ schedule, device, isp, at, entries }: Visit): Promise<void> {
    const folder = `${stateOf(schedule, device)}-${isp}`
    const config = {
      test_list: `${folder}/list.json`,
      extra_ca: [caFile],
      probe_cc: 'ML',
      probe_asn: isps[isp].asn,
      probe_network_name: isps[isp].name,
      jitter_seconds: 0,
      repeat_after_seconds: repeatAfterSeconds(rulesAt(this.#evening, isp, at)),
      ...(device === 'both' && { local_address: isps[isp].second }),
    }
    const once = [modernNode(), agentBundle, 'once', '--state', stateOf(schedule, device)]
    await this.#run(namespaceOf(device), [...once, '--config', `${folder}/config.json`], {
      resolverOf: isp,
      files: {
        [`${folder}/list.json`]: JSON.stringify({ ...labList, name: this.#evening.name, entries }),
        [`${folder}/config.json`]: JSON.stringify(config),
      },
    })
  }

  /** From here on it is `at` for the collector, and for whatever is started. */
  async #setClock(at: number): Promise<void> {
    this.#aheadSeconds = (at - Date.now()) / 1000
    const offset = this.#aheadSeconds.toFixed(3)
    const written = `${clockFile}.next`
    // Renamed: half an offset would be another year.
    const files = { [written]: `${this.#aheadSeconds < 0 ? '' : '+'}${offset}\n` }
    const argv = ['mv', written, clockFile]
    const ended = (await this.#lab.order({ do: 'exec', namespace: 'outside', argv, files })) as Ended
    if (ended.code !== 0) throw new Error(`Cannot set the clock of the evening: ${ended.err}`)
  }

  /** Runs a program with the evening's clock, to its end. */
  async #run(
    namespace: Namespace,
    argv: readonly string[],
    more: Pick<Order & { do: 'exec' }, 'files' | 'resolverOf'> = {},
  ): Promise<string> {
    const env = clockEnvironment(this.#aheadSeconds)
    const ended = (await this.#lab.order({ do: 'exec', namespace, argv, env, ...more })) as Ended
    if (ended.code === 0) return ended.out
    throw new Error(`"${argv.join(' ')}" ended with ${ended.code} in ${namespace}: ${ended.err}`)
  }
}

const namespaceOf = (device: DeviceKey) => `dev-${device === 'both' ? 'b' : device}` as const
const stateOf = (schedule: ScheduleKey, device: DeviceKey) => `/run/lab/replay-${schedule}-${device}`

/** Runs where the collector can be reached; its argument is the collector. */
const readExport = readFileSync(new URL('read-export.mjs', import.meta.url), 'utf8')
