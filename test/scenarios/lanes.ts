// Places to run scenarios: each provider of each lab is a lane, with a policy and a device to itself, so that scenarios
// that mostly wait can wait side by side. A lab takes work for both its lanes at a time: one scenario that wants both,
// or two that last about as long.

import type { LabKeys } from '../lab/keys.ts'
import { Lab } from '../lab/lab.ts'
import { type IspKey, isps } from '../lab/topology.ts'

export interface Lane {
  readonly lab: Lab
  readonly isp: IspKey
}

export interface Work {
  /** Which lane it wants; null for any. */
  readonly isp: IspKey | 'both' | null
  /** How long it may last: those of a kind run side by side. */
  readonly seconds: number
  /** @param lanes - One, or both of one lab. */
  run(lanes: readonly Lane[]): Promise<void>
}

export interface Lanes {
  /** Runs `work` when a lab is free. @returns When it is done. */
  do(work: Work): Promise<void>
  stop(): Promise<void>
}

/**
 * Opens the labs one after the other, and puts each to work while the next one starts. On a machine that is busy one may not come up, or
 * end: the others go on, and what is left fails only when there are none.
 */
export function openLanes(keys: LabKeys, labCount: number): Lanes {
  const queue = new Queue()
  let stopped = false
  const labs: Lab[] = []
  const busy: Promise<void>[] = []
  let working = labCount
  const gone = (error: Error) => {
    working -= 1
    if (working === 0) queue.fail(error)
    else console.error(`A lab is gone, and ${working} are left: ${error.message}`)
  }
  const opening = (async () => {
    for (let count = 0; count < labCount && !stopped; count++) {
      const lab = await Lab.start(keys).catch(gone)
      if (lab === undefined) continue
      labs.push(lab)
      // The long ones mostly wait and the short ones compute: together they fill the time.
      const work = workIn(lab, queue, count % 4 < 3 ? 'longest' : 'shortest')
      busy.push(work.then(() => (lab.hasEnded() && !stopped ? gone(new Error('it ended')) : undefined)))
    }
  })()
  return {
    do: (work) => queue.add(work),
    async stop() {
      stopped = true
      queue.close()
      await opening
      await Promise.all(busy)
      await Promise.all(labs.map((lab) => lab.stop()))
    },
  }
}

async function workIn(lab: Lab, queue: Queue, first: 'longest' | 'shortest'): Promise<void> {
  for (;;) {
    const pair = lab.hasEnded() ? null : await queue.take(first)
    if (pair === null) return
    await Promise.all(pair.map(({ run, lanes }) => run(lanes.map((isp) => ({ lab, isp })))))
  }
}

interface Assigned {
  readonly lanes: readonly IspKey[]
  run(lanes: readonly Lane[]): Promise<void>
}

const both = Object.values(isps).map(({ key }) => key)

/** What waits for a lab, by how long it may last. */
class Queue {
  #waiting: (Work & { reject(error: Error): void })[] = []
  #takers: (() => void)[] = []
  #closed = false
  #failure: Error | null = null

  add(work: Work): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure)
      this.#waiting.push({ ...work, run: (lanes) => work.run(lanes).then(resolve, reject), reject })
      this.#waiting.sort((a, b) => b.seconds - a.seconds)
      this.#wake()
    })
  }

  /** Work for both lanes of a lab, as far as there is any. @returns null when there will be none. */
  async take(first: 'longest' | 'shortest'): Promise<readonly Assigned[] | null> {
    while (this.#waiting.length === 0) {
      if (this.#closed || this.#failure !== null) return null
      await new Promise<void>((resolve) => this.#takers.push(resolve))
    }
    const order = first === 'longest' ? this.#waiting : this.#waiting.toReversed()
    const [one] = order
    if (one === undefined) return null
    const beside = ({ isp }: Work) =>
      one.isp !== 'both' && isp !== 'both' && (isp === null || isp !== one.isp)
    const other = order.find((each) => each !== one && beside(each))
    this.#waiting = this.#waiting.filter((each) => each !== one && each !== other)
    if (one.isp === 'both') return [{ ...one, lanes: both }]
    if (other === undefined) return [{ ...one, lanes: [one.isp ?? 'o'] }]
    const isp = one.isp ?? (other.isp === 'o' ? 'm' : 'o')
    return [
      { ...one, lanes: [isp] },
      { ...other, lanes: [isp === 'o' ? 'm' : 'o'] },
    ]
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  fail(error: Error): void {
    this.#failure = error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#wake()
  }

  #wake(): void {
    for (const taker of this.#takers.splice(0)) taker()
  }
}
