// Plays an evening: as many labs as are wanted side by side, each with a part of it.

import { makeKeys } from '../lab/keys.ts'
import { fakeTimeLibrary, Lab, whyNoLab } from '../lab/lab.ts'
import type { Evening } from './evening.ts'
import type { Enrolled } from './received.ts'
import { type OnMoment, type PlayedSlice, playSlice } from './slice.ts'
import { momentsOf, partsOf, secondsOf, type Visit, visitsOf } from './visits.ts'

export interface Played {
  readonly visits: readonly Visit[]
  /** Of the collectors' exports, one JSON object each. */
  readonly lines: readonly string[]
  readonly enrolled: Enrolled
  /** Real time that it took, labs and all. */
  readonly seconds: number
  /** How many labs it took, each with a collector and devices of its own. */
  readonly labs: number
}

export interface Progress {
  onStart(moments: number, labs: number): void
  readonly onMoment: OnMoment
}

/** @returns Why no evening can be played on this machine, in a sentence; null when one can. */
export function whyNoReplay(): string | null {
  const why = whyNoLab()
  if (why !== null) return why
  return fakeTimeLibrary() === null ? 'apt-get install faketime brings what it needs' : null
}

/**
 * @param labCount - At most so many parts. One lab plays the evening from end to end.
 * @throws {Error} When a lab, a collector or a device does not do as it should. Nothing is left running.
 */
export async function play(evening: Evening, labCount: number, progress: Progress): Promise<Played> {
  const begun = performance.now()
  const visits = await visitsOf(evening)
  const moments = momentsOf(visits)
  const parts = partsOf(moments, labCount, (moment) => secondsOf(evening, moment))
  progress.onStart(moments.length, parts.length)
  const keys = makeKeys()
  const labs: Lab[] = []
  try {
    const slices = await Promise.all(
      parts.map(async (part) => {
        const lab = await Lab.start(keys)
        labs.push(lab)
        return playSlice(lab, evening, part, progress.onMoment)
      }),
    )
    const seconds = (performance.now() - begun) / 1000
    return { visits, ...joined(slices), seconds, labs: parts.length }
  } finally {
    await Promise.all(labs.map((lab) => lab.stop()))
  }
}

function joined(slices: readonly PlayedSlice[]): Pick<Played, 'lines' | 'enrolled'> {
  return {
    lines: slices.flatMap(({ lines }) => lines),
    enrolled: Object.assign({}, ...slices.map(({ enrolled }) => enrolled)),
  }
}
