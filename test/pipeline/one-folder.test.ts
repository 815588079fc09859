// Both programs read SONDE_STATE. An agent that is given the folder of a collector refuses it, and leaves it as it is.

import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { collectorBundle, runToEnd, sonde, temporaryFolder } from '../support/processes.ts'

it('an agent does not take over the state folder of a collector', async () => {
  const state = temporaryFolder('collector')
  const env = { SONDE_STATE: state }
  const { out: token } = await runToEnd(modernNode(), [collectorBundle, 'token'], env)
  const before = readdirSync(state, { recursive: true })
  for (const argv of [['once'], ['run'], ['status'], ['enrol', 'http://127.0.0.1:1', token.trim()]]) {
    const { code, out, err } = await sonde(argv, env)
    expect({ code, out }).toEqual({ code: 66, out: '' })
    expect(err).toBe(
      `sonde: ${state} is the state folder of a collector: collector-key is in it. Name another for this agent with --state DIR or SONDE_STATE. [collector_state]\n`,
    )
  }
  expect(readdirSync(state, { recursive: true })).toEqual(before)
})
