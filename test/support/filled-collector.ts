// The built collector, running, with measurements of one probe in it. Not part of any program.

import { batchMediaType } from '../../tests-spec/protocol/batch.ts'
import { type RunningCollector, startCollector } from './processes.ts'
import { SampleProbe, sampleMeasurement } from './sample-probe.ts'

/** @returns The collector, when it has so many measurements in its index. */
export async function filledCollector(measurements: number): Promise<RunningCollector> {
  const collector = await startCollector()
  const probe = new SampleProbe()
  const request = JSON.stringify(probe.enrolmentRequest(await collector.token()))
  probe.enrolled(await post(`${collector.url}/v1/enrol`, 'application/json', Buffer.from(request)))
  const all = Array.from({ length: measurements }, (_, i) =>
    sampleMeasurement({ input: `https://${i}.test/` }),
  )
  await post(`${collector.url}/v1/batches`, batchMediaType, probe.next(all).bytes)
  const kept = await collector.measurements()
  if (kept.length !== measurements) throw new Error(`Only ${kept.length} of ${measurements} were kept`)
  return collector
}

async function post(url: string, type: string, body: Uint8Array): Promise<Buffer> {
  const headers = { 'content-type': type }
  const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
  if (answer.status !== 201) throw new Error(`${url} answered ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}
