// A sign of life: how often it is written, and what happens where it cannot be.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { heartbeatFile } from './heartbeat-file.ts'

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-heartbeat-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'heartbeat')
}

it('heartbeatFile() writes seconds since the boot, at most every ten seconds', async () => {
  const path = place()
  let ms = 0
  const beat = heartbeatFile(
    path,
    () => ms,
    () => 100.9 + ms / 1000,
  )
  const writtenAt = async (at: number) => {
    ms = at
    await beat()
    return readFileSync(path, 'utf8')
  }
  expect(await writtenAt(0)).toBe('100\n')
  expect(await writtenAt(9_999)).toBe('100\n')
  expect(await writtenAt(10_000)).toBe('110\n')
})

it('heartbeatFile() passes over a place that is gone, and beats nowhere when none is named', async () => {
  await expect(heartbeatFile('/proc/no/such/place', () => 0)()).resolves.toBeUndefined()
  await expect(heartbeatFile(null, () => 0)()).resolves.toBeUndefined()
})
