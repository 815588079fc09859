// The whole agent under load, bundled as it is shipped: cycles of forty targets, one after the other, with rules,
// scrubbing, spool and disk. Prints one line of JSON.

import { assemble } from '../../agent/assemble/assemble.ts'
import { loadConfig } from '../../agent/config.ts'
import { machineClocks } from '../../agent/platform/clock.ts'
import { makeStateFolder } from '../../agent/platform/state-folder.ts'
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { memoryOf } from './process-figures.ts'

export interface CyclesOrder {
  readonly cycles: number
  /** A folder that the caller deletes. */
  readonly state: string
  readonly configuration: string
}

export interface CyclesFigures {
  readonly measurements: number
  readonly anomalies: number
  readonly startRssMib: number
  readonly endRssMib: number
  readonly peakMib: number
  readonly cpuMsPerMeasurement: number
  readonly payloadBytesPerMeasurement: number
  readonly diskBytesPerMeasurement: number
  readonly flushes: number
}

async function main({ cycles, state, configuration }: CyclesOrder): Promise<CyclesFigures> {
  const machine = machineClocks()
  const { signal } = new AbortController()
  const folder = makeStateFolder(state, {})
  const config = loadConfig(configuration, {})
  const agent = await assemble({ folder, config, machine, signal, terminal: null, sleep: async () => {} })
  const list = parseTestList(agent.list)
  const startRssMib = memoryOf('self').rssMib
  const cpuAtStart = process.cpuUsage()
  let measurements = 0
  let anomalies = 0
  let bytes = 0
  for (let cycle = 0; cycle < cycles; cycle++) {
    await agent.cycle(list, ({ test_keys }) => {
      measurements += 1
      bytes += test_keys.x_sonde_bytes_sent + test_keys.x_sonde_bytes_received
      if (test_keys.x_sonde_verdict.verdict !== 'ok') anomalies += 1
    })
  }
  const cpu = process.cpuUsage(cpuAtStart)
  const { rssMib, peakMib } = memoryOf('self')
  const { diskBytes, flushes } = agent.spool.stats()
  await agent.close()
  return {
    measurements,
    anomalies,
    startRssMib,
    endRssMib: rssMib,
    peakMib,
    cpuMsPerMeasurement: (cpu.user + cpu.system) / 1000 / measurements,
    payloadBytesPerMeasurement: bytes / measurements,
    diskBytesPerMeasurement: diskBytes / measurements,
    flushes,
  }
}

console.log(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '{}') as CyclesOrder)))
