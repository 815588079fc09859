// The variables that the agent passes over are those of the collector's table, no more and no fewer.

import { expect, it } from 'vitest'
import { sondeCollector } from '../collector/command-line.ts'
import { collectorVariables } from '../tests-spec/command-line/variables.ts'

it('the variables of the collector are those of its options', () => {
  const options = sondeCollector.commands.flatMap((command) => command.options)
  const named = options.flatMap(({ variable }) => variable ?? [])
  expect([...new Set(named)].sort()).toEqual([...collectorVariables].sort())
})
