// Places to run scenarios: each provider of each lab is one, with a policy and a device to itself, so that scenarios
// that mostly wait can wait side by side.

import type { LabKeys } from '../lab/keys.ts'
import { Lab } from '../lab/lab.ts'
import { type IspKey, isps } from '../lab/topology.ts'

export interface Lane {
  readonly lab: Lab
  readonly isp: IspKey
}

export interface Lanes {
  /** Runs `work` on the next free lane. */
  use<T>(work: (lane: Lane) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

export async function openLanes(keys: LabKeys, labCount: number): Promise<Lanes> {
  const labs = await Promise.all(Array.from({ length: labCount }, () => Lab.start(keys)))
  const free: Lane[] = Object.values(isps).flatMap(({ key }) => labs.map((lab) => ({ lab, isp: key })))
  const waiting: ((lane: Lane) => void)[] = []
  const take = () => {
    const lane = free.shift()
    return lane === undefined ? new Promise<Lane>((resolve) => waiting.push(resolve)) : lane
  }
  const giveBack = (lane: Lane) => {
    const next = waiting.shift()
    if (next === undefined) free.push(lane)
    else next(lane)
  }
  return {
    async use(work) {
      const lane = await take()
      try {
        return await work(lane)
      } finally {
        giveBack(lane)
      }
    },
    stop: async () => {
      await Promise.all(labs.map((lab) => lab.stop()))
    },
  }
}
