// Configuration: file, environment over it, and every fault named at once.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { ActionableError } from './platform/actionable-error.ts'

function file(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sonde-config-')), 'config.json')
  writeFileSync(path, content)
  return path
}

function refusal(path: string | null, env: Record<string, string> = {}): ActionableError {
  try {
    loadConfig(path, env)
  } catch (error) {
    if (error instanceof ActionableError) return error
    throw error
  }
  throw new Error('expected the configuration to be refused')
}

describe('loadConfig()', () => {
  it('gives every field its default when nothing is set', () => {
    expect(loadConfig(null, {})).toMatchObject({
      schedule: '*/15 * * * *',
      concurrency: 4,
      probe_cc: 'ZZ',
      lab: false,
    })
  })
  it('takes the environment over the file', () => {
    const path = file('{"probe_cc":"ML","concurrency":2}')
    const env = { SONDE_CONCURRENCY: '3', SONDE_PROBE_ASN: 'AS30985', SONDE_STATE: '/x', PATH: '/bin' }
    expect(loadConfig(path, env)).toMatchObject({ probe_cc: 'ML', concurrency: 3, probe_asn: 'AS30985' })
  })
  it('names every bad field with its place, not the first', () => {
    const error = refusal(file('{"probe_cc":"mali","concurency":2}'), { SONDE_SCHEDULE: 'hourly' })
    expect(error.code).toBe('bad_config')
    expect(error.exitCode).toBe(78)
    expect(error.message).toContain('probe_cc')
    expect(error.message).toContain('concurency')
    expect(error.message).toContain('SONDE_SCHEDULE')
  })
  const schedules = ['* * * *', '* * * * * *', '61 * * * *', '0 0 L * *', '@daily', '']
  it.each(schedules)('refuses the schedule "%s"', (schedule) => {
    expect(refusal(null, { SONDE_SCHEDULE: schedule }).message).toContain('five cron fields')
  })
  it('takes the usual file when none is named and it is there', () => {
    const usual = file('{"probe_cc":"ML"}')
    expect(loadConfig(null, {}, usual).probe_cc).toBe('ML')
    expect(loadConfig(file('{"probe_cc":"SN"}'), {}, usual).probe_cc).toBe('SN')
    expect(loadConfig(null, {}, '/nonexistent/config.json').probe_cc).toBe('ZZ')
  })
  it('says which file cannot be read', () => {
    expect(refusal('/nonexistent/sonde.json').message).toContain('/nonexistent/sonde.json')
    expect(refusal(file('{')).message).toContain('config.json')
    expect(refusal(file('[]')).message).toContain('one JSON object')
  })
  it('says line and column of what is no JSON, on every Node.js alike', () => {
    expect(refusal(file('{\n  "probe_cc": "ML"\n  "lab": true\n}')).message).toMatch(
      /^Cannot read the configuration:\n {2}\/.*\/config\.json:3:3: expected a comma or }$/,
    )
  })
  it('passes over the byte order mark of an editor that writes one', () => {
    expect(loadConfig(file('\uFEFF{"probe_cc":"ML"}'), {}).probe_cc).toBe('ML')
  })
})
