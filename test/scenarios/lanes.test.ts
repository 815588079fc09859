// Labs may die on a machine that is busy: the others do the work.

import { describe, expect, it } from 'vitest'
import { makeKeys } from '../lab/keys.ts'
import { type Lab, whyNoLab } from '../lab/lab.ts'
import { type Lanes, openLanes } from './lanes.ts'

const why = whyNoLab()
if (why !== null) console.error(`\n\n  THE LANES WERE NOT TESTED: ${why}.\n\n`)

const lookAround = async (lab: Lab) =>
  lab.order({ do: 'exec', namespace: 'inet', argv: ['true'] }).then(
    () => 'well',
    () => 'gone',
  )

/** Work for both lanes of a lab. @returns Its lab. */
async function work(lanes: Lanes, act: (lab: Lab) => Promise<unknown>): Promise<Lab | undefined> {
  let worked: Lab | undefined
  await lanes.do({
    isp: 'both',
    seconds: 1,
    async run([lane]) {
      worked = lane?.lab
      if (worked !== undefined) await act(worked)
    },
  })
  return worked
}

describe.skipIf(why !== null)('lanes', () => {
  it('go on in the labs that are left, and fail when there are none', { timeout: 120_000 }, async () => {
    const lanes = openLanes(makeKeys(), 2)
    const killed = async (lab: Lab) => {
      process.kill(lab.pid, 'SIGKILL')
      expect(await lookAround(lab)).toBe('gone')
    }
    const first = await work(lanes, killed)
    for (const _ of [1, 2, 3]) {
      const other = await work(lanes, async (lab) => expect(await lookAround(lab)).toBe('well'))
      expect(other).not.toBe(first)
    }
    await work(lanes, killed)
    await expect(work(lanes, async () => {})).rejects.toThrow('it ended')
    await lanes.stop()
  })
})
