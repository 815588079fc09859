// What leaves of a log is bounded, the newest part of it, and says nothing of where it was written.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { openLog } from '../platform/log.ts'
import { openLogRing } from '../platform/log-ring.ts'
import { enclosedLog } from './enclosed-log.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'sonde-enclosed-'))
const opened = (enclosed: string | null) =>
  brotliDecompressSync(Buffer.from(enclosed ?? '', 'base64'))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

it('has codes, counts and short words, and the place of a bug', () => {
  const dir = folder()
  const log = openLog(openLogRing(dir), null, () => Date.parse('2026-11-28T03:00:00Z'))
  log.info('S2002', { measurements: 41, link: 'up', nested: { a: [1, 'two'] } })
  log.warn('S4101', { reason: 'ETIMEDOUT', https: '0/3 ETIMEDOUT' })
  log.error('S2901', { nettest: 'tor', bug: 'TypeError sonde.mjs:12:7 sonde.mjs:99:3' })
  expect(opened(enclosedLog(dir))).toEqual([
    {
      level: 'info',
      time: '2026-11-28T03:00:00.000Z',
      code: 'S2002',
      measurements: 41,
      link: 'up',
      nested: { a: [1, 'two'] },
    },
    {
      level: 'warn',
      time: '2026-11-28T03:00:00.000Z',
      code: 'S4101',
      reason: 'ETIMEDOUT',
      https: '0/3 ETIMEDOUT',
    },
    {
      level: 'error',
      time: '2026-11-28T03:00:00.000Z',
      code: 'S2901',
      nettest: 'tor',
      bug: 'TypeError sonde.mjs:12:7 sonde.mjs:99:3',
    },
  ])
})

it.each([
  "EACCES: permission denied, open '/home/awa/.local/state/sonde/status.json'",
  'open /data/data/com.termux/files',
  'getaddrinfo ENOTFOUND www.maliweb.example',
  'connect ECONNREFUSED 10.12.0.7:443',
  'fe80::1',
  '2001:db8::7',
  'Orange_5G "Awa"',
  'a'.repeat(100),
])('has … in place of %s', (telling) => {
  const dir = folder()
  const log = openLog(openLogRing(dir), null, () => 0)
  log.error('S3903', { error: telling, [telling]: 1, deep: { deeper: [telling] } })
  const [line] = opened(enclosedLog(dir))
  expect(line).toMatchObject({ code: 'S3903', error: '…', '…': 1, deep: { deeper: ['…'] } })
})

it('has the newest lines that fit, whatever is in them', () => {
  const dir = folder()
  const ring = openLogRing(dir)
  const log = openLog(ring, null, () => 0)
  let state = 1
  const noise = () => {
    state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647
    return state
  }
  for (let n = 0; n < 3_000; n++) log.info('S2002', { n, noise: noise(), more: noise() })
  const enclosed = enclosedLog(dir)
  expect(Buffer.from(enclosed ?? '', 'base64').length).toBeLessThanOrEqual(12 * 1024)
  const lines = opened(enclosed)
  expect(lines.length).toBeGreaterThan(300)
  expect(lines.at(-1)).toMatchObject({ n: 2_999 })
})

it('is none where nothing is, or nothing but what is no log', () => {
  const dir = folder()
  expect(enclosedLog(dir)).toBeNull()
  writeFileSync(join(dir, 'sonde.ndjson'), 'http://site.example/\n{"host":"site.example"}\n')
  expect(enclosedLog(dir)).toBeNull()
})
