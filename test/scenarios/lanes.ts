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
  /** Runs `work` on a lane of its own. @param isp - null for any. */
  alone<T>(isp: IspKey | null, work: (lane: Lane) => Promise<T>): Promise<T>
  /**
   * Prepares both lanes of one lab by `prepare`, then runs `work` on both at once; each is given back when its work is
   * done.
   */
  paired<T>(prepare: (lane: Lane) => Promise<void>, work: (lane: Lane) => Promise<T>): Promise<readonly T[]>
  stop(): Promise<void>
}

export async function openLanes(keys: LabKeys, labCount: number): Promise<Lanes> {
  // One after the other: each starts a dozen processes.
  const labs: Lab[] = []
  for (let count = 0; count < labCount; count++) labs.push(await Lab.start(keys))
  const all = labs.map((lab) => Object.values(isps).map(({ key }) => new Turns({ lab, isp: key })))
  return {
    async alone(isp, work) {
      const turns = leastWanted(
        all.flat().filter(({ lane }) => isp === null || lane.isp === isp),
        (each) => [each],
      )
      const giveBack = await turns.take()
      return work(turns.lane).finally(giveBack)
    },
    async paired(prepare, work) {
      const pair = leastWanted(all, (each) => each)
      // Both queues are joined at once, so that no two rows hold a lane each that the other waits for.
      const backs = await Promise.all(pair.map((turns) => turns.take()))
      const prepared = Promise.all(pair.map(({ lane }) => prepare(lane)))
      return Promise.all(pair.map(({ lane }, index) => prepared.then(() => work(lane)).finally(backs[index])))
    },
    stop: async () => {
      await Promise.all(labs.map((lab) => lab.stop()))
    },
  }
}

/** Who may use a lane, one after the other in the order they came. */
class Turns {
  readonly lane: Lane
  wanted = 0
  #last: Promise<void> = Promise.resolve()

  constructor(lane: Lane) {
    this.lane = lane
  }

  /** @returns When it is the caller's turn, what ends it. */
  async take(): Promise<() => void> {
    const before = this.#last
    let end = () => {}
    this.#last = new Promise((resolve) => {
      end = resolve
    })
    this.wanted++
    await before
    return () => {
      this.wanted--
      end()
    }
  }
}

function leastWanted<T>(all: readonly T[], turnsOf: (one: T) => readonly Turns[]): T {
  const wanted = (one: T) => turnsOf(one).reduce((sum, each) => sum + each.wanted, 0)
  const [first, ...rest] = all
  if (first === undefined) throw new TypeError('Cannot find a lane: there are none')
  return rest.reduce((least, each) => (wanted(each) < wanted(least) ? each : least), first)
}
