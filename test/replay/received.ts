// What the collector received, read from its export and from nowhere else: one finding for each target that a
// measurement speaks of. Pure.

import * as v from 'valibot'
import type { ShownVerdict } from '../../collector/analysis/board.ts'
import { outcomeWords, wasReached } from '../../collector/analysis/outcome-words.ts'
import { type Measurement, measurement } from '../../tests-spec/data-formats/measurement.ts'
import { linkCheck } from '../../tests-spec/nettests/link-check.ts'
import { isps } from '../lab/topology.ts'
import { subjectOf } from './evening.ts'
import type { DeviceKey, ScheduleKey, Series } from './visits.ts'

/** The part of an enrolled device in the replay, by the id that the collector knows it by. */
export type Enrolled = Readonly<
  Record<string, { readonly schedule: ScheduleKey; readonly device: DeviceKey }>
>

export interface Finding extends Series {
  readonly subject: string
  /** When the measurement began and when its cycle did, in milliseconds since 1970 by the device's clock. */
  readonly at: number
  readonly cycleAt: number
  readonly outcome: string
  /** null when it cannot be told. */
  readonly reached: boolean | null
  /** Whether a later measurement of the same cycle took its place: what failed is measured twice. */
  readonly repeated: boolean
}

const line = v.object({ device: v.string(), n: v.number(), measurement })
type Line = v.InferOutput<typeof line>

/**
 * @param lines - Of `/api/v1/measurements`, in any order.
 * @returns In the order of time. The link's own checks are not in it: they are about no target.
 * @throws {Error} For a line that is no measurement, or comes from a device that is not of this replay.
 */
export function findingsIn(lines: readonly string[], enrolled: Enrolled): Finding[] {
  const read = lines
    .map((text) => v.parse(line, JSON.parse(text)))
    .filter((each) => each.measurement.test_name !== linkCheck.name)
    .sort((a, b) => a.n - b.n)
  const last = new Map(read.map((each) => [cycleKey(each), each]))
  return read
    .flatMap((each) => {
      const later = last.get(cycleKey(each))
      return later === undefined || later === each
        ? findingsOf(each, enrolled, false)
        : confirmed(findingsOf(each, enrolled, true), findingsOf(later, enrolled, false))
    })
    .sort((a, b) => a.at - b.at)
}

/** What a first look could not call, and the repeat did: it has failed since the first look, on which the repeat rests. */
function confirmed(first: readonly Finding[], repeat: readonly Finding[]): Finding[] {
  return first.map((each) => {
    const later = repeat.find(({ subject }) => subject === each.subject)
    return each.reached === null && later?.reached === false ? { ...each, reached: false } : each
  })
}

/** What a measurement and its repeat have in common. */
function cycleKey({ device, measurement: { test_start_time, test_name, input, probe_asn } }: Line): string {
  return JSON.stringify([device, probe_asn, test_start_time, test_name, input])
}

function findingsOf(
  { device, measurement: measured }: Line,
  enrolled: Enrolled,
  repeated: boolean,
): Finding[] {
  const part = enrolled[device]
  const isp = Object.values(isps).find(({ asn }) => asn === measured.probe_asn)
  if (part === undefined || isp === undefined)
    throw new Error(`Cannot place a measurement of device ${device} on ${measured.probe_asn}`)
  const whose = { ...part, isp: isp.key }
  const when = { at: epoch(measured.measurement_start_time), cycleAt: epoch(measured.test_start_time) }
  return verdictsOf(measured).map(([subject, found]) => ({
    ...whose,
    ...when,
    subject,
    outcome: outcomeWords(found),
    reached: wasReached(found),
    repeated,
  }))
}

function verdictsOf({ test_name, input, test_keys }: Measurement): (readonly [string, ShownVerdict])[] {
  const { x_sonde_parts: parts, x_sonde_verdict: whole } = test_keys
  if (parts === undefined) return [[subjectOf(test_name, input, null), whole]]
  return Object.entries(parts).map(([name, found]) => [subjectOf(test_name, input, name), found])
}

/** OONI's form of a time, which is UTC. */
function epoch(ooniTime: string): number {
  return Date.parse(`${ooniTime.replace(' ', 'T')}Z`)
}
