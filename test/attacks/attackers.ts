// Those who attack the built collector, and what it takes under them. Not part of any program.

import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'
import { batchMediaType, type Manifest, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import type { RunningCollector } from '../support/processes.ts'
import { type SampleBatch, SampleProbe } from '../support/sample-probe.ts'

export const deep = process.env.SONDE_DEEP !== undefined
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 } }

/** A probe with a good key, which the collector knows. */
export async function enrolled(collector: RunningCollector): Promise<SampleProbe> {
  const probe = new SampleProbe()
  const body = JSON.stringify(probe.enrolmentRequest(await collector.token()))
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${collector.url}/v1/enrol`, { method: 'POST', headers, body })
  if (answer.status !== 201) throw new Error(`Not enrolled: ${await answer.text()}`)
  probe.enrolled(Buffer.from(await answer.arrayBuffer()))
  return probe
}

/** A batch around lines, or around anything that unpacks to what its manifest says of it. */
export function batchAround(
  probe: SampleProbe,
  raw: Buffer,
  {
    unpacked = raw,
    codec = 'br',
    change = (m: Manifest) => m,
  }: {
    readonly unpacked?: Buffer
    readonly codec?: 'br' | 'br+columns'
    readonly change?: (manifest: Manifest) => Manifest
  } = {},
): SampleBatch {
  const payload = brotliCompressSync(unpacked, quick)
  return probe.nextOf(payload, (m) =>
    change({
      ...m,
      payload: { ...m.payload, codec, rawLen: raw.length, rawSha256: sha256Hex(raw) },
    }),
  )
}

export async function post(
  collector: RunningCollector,
  { bytes }: Pick<SampleBatch, 'bytes'>,
): Promise<number> {
  const headers = { 'content-type': batchMediaType }
  const answer = await fetch(`${collector.url}/v1/batches`, {
    method: 'POST',
    headers,
    body: new Uint8Array(bytes),
  })
  await answer.arrayBuffer()
  return answer.status
}

interface Health {
  readonly status: string
  readonly behind: number
  readonly set_aside: number
}

export async function health(collector: RunningCollector): Promise<Health> {
  return (await (await fetch(`${collector.url}/healthz`)).json()) as Health
}

/**
 * Asks for as long as the collector is behind.
 * @returns How many answers it gave meanwhile: one that works without turns of its event loop gives none.
 */
export async function answersUntilDone(collector: RunningCollector): Promise<number> {
  for (let answers = 1; ; answers++) if ((await health(collector)).behind === 0) return answers
}

/** MiB that the process has taken at most so far. */
export function mostMiB({ pid }: RunningCollector): number {
  const [, kB = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kB) / 1024)
}

/** Reads an answer to its end without keeping it. */
export async function bytesOf(url: string): Promise<{ readonly status: number; readonly bytes: number }> {
  const answer = await fetch(url)
  let bytes = 0
  for await (const chunk of answer.body ?? []) bytes += (chunk as Uint8Array).length
  return { status: answer.status, bytes }
}
