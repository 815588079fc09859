// `sonde-collector verify` on what a real collector holds.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { SampleProbe } from '../../test/support/sample-probe.ts'
import { verificationText } from '../../tests-spec/protocol/verification-text.ts'
import { verifyFiles } from './verify-command.ts'

let sample: SampleCollector
beforeEach(async () => {
  sample = await SampleCollector.start()
})
afterEach(() => sample.remove())

describe('verifyFiles()', () => {
  it('believes the archive by the probes enrolled here, and no file beside it', async () => {
    const probe = new SampleProbe()
    await sample.enrol(probe)
    const files = [0, 1].map((n) => {
      const { bytes } = probe.next(undefined, (m) => ({ ...m, records: { ...m.records, ranges: [[n, n]] } }))
      const path = join(sample.state, `${n}.psb`)
      writeFileSync(path, bytes)
      return path
    })
    const before = readdirSync(sample.state)
    const result = await verifyFiles({ files, keys: [], state: sample.state })
    expect(result).toMatchObject({
      good: true,
      chains: [{ seqs: [[0, 1]], missing: [], unnamed: [], faults: [] }],
    })
    expect(verificationText(result)).toContain('every link that can be checked holds')
    expect(readdirSync(sample.state)).toEqual(before)
    const stranger = new SampleProbe().publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    const refused = await verifyFiles({ files, keys: [stranger], state: null })
    expect(refused.files.map(({ code }) => code)).toEqual(['unknown_key', 'unknown_key'])
  })

  it('refuses a folder that is no state of a collector, and makes none', async () => {
    const nowhere = join(sample.state, 'nowhere')
    await expect(verifyFiles({ files: ['a'], keys: [], state: nowhere })).rejects.toMatchObject({
      code: 'no_state',
    })
    expect(readdirSync(sample.state)).not.toContain('nowhere')
    await expect(verifyFiles({ files: ['a'], keys: ['x'], state: null })).rejects.toMatchObject({
      code: 'bad_usage',
    })
  })
})
