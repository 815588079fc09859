// `sonde erase`: nothing of the device is left to be read, with an agent that runs and without, and nothing of others is touched.

import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { runningAgent } from '../support/running-agent.ts'
import { talk } from '../support/talking.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

async function measured(): Promise<string> {
  const state = join(temporaryFolder('erase'), 'state')
  mkdirSync(state)
  expect((await sonde(['once', '--state', state, ...internet.agentArguments])).code).toBe(0)
  return state
}

/** The same bytes under another name, as whoever has the disk may still find them. */
function hardLinks(state: string, names: readonly string[]): string[] {
  const beside = temporaryFolder('links')
  return names.map((name, n) => {
    const path = join(beside, String(n))
    linkSync(join(state, name), path)
    return path
  })
}

it('asks once, and a no changes nothing', async () => {
  const state = await measured()
  const before = readdirSync(state).sort()
  for (const lines of [['non'], []]) {
    const { code, out } = await talk(['effacer', '--lang', 'fr', '--state', state], lines)
    expect([code, out]).toEqual([1, expect.stringContaining('Rien n’est effacé.')])
  }
  expect(readdirSync(state).sort()).toEqual(before)
})

it('writes over what it removes, and leaves no folder', async () => {
  const state = await measured()
  const records = readdirSync(join(state, 'spool', 'records'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('.'))
    .map((name) => join('spool', 'records', name))
  expect(records.length).toBeGreaterThan(0)
  const names = ['device-key', 'memory.json', 'log/sonde.ndjson', ...records]
  const kept = names.map((name) => readFileSync(join(state, name)))
  const links = hardLinks(state, names)
  const { code, out } = await talk(['erase', '--lang', 'en', '--state', state], ['yes'])
  expect([code, out]).toEqual([0, expect.stringContaining('Everything is erased, keys first.')])
  expect(existsSync(state)).toBe(false)
  links.forEach((path, n) => {
    const now = readFileSync(path)
    expect(now).toHaveLength(kept[n]?.length ?? 0)
    // No run of 16 bytes that was there, zeros apart.
    for (let at = 0; at + 16 <= now.length; at += 16) {
      const was = kept[n]?.subarray(at, at + 16) ?? Buffer.alloc(0)
      if (was.some((byte) => byte !== 0)) expect(now.subarray(at, at + 16).equals(was)).toBe(false)
    }
  })
})

it('ends an agent that runs, and leaves nothing of it', async () => {
  const state = await measured()
  const agent = runningAgent(state, internet.agentArguments)
  await agent.says('S2002')
  const { code } = await sonde(['effacer', '--yes', '--state', state])
  expect(code).toBe(0)
  await agent.ended()
  expect(existsSync(state) ? readdirSync(state) : []).toEqual([])
}, 60_000)

it('tells the collector first, which takes nothing more under that key, and goes on where none answers', async () => {
  const collector = await startCollector()
  const state = await measured()
  expect((await sonde(['enrol', collector.url, await collector.token(), '--state', state])).code).toBe(0)
  const copy = temporaryFolder('copied')
  cpSync(state, copy, { recursive: true })
  const { out } = await sonde(['erase', '--yes', '--tell', '--lang', 'en', '--state', state])
  expect(out).toMatch(/^The collector has been told\./)
  expect(existsSync(state)).toBe(false)
  // The thief of a copy.
  await sonde(['once', '--state', copy, ...internet.agentArguments])
  expect(await collector.measurements()).toEqual([])
  const log = JSON.parse((await sonde(['status', '--json', '--state', copy])).out)
  expect(log.upload).toMatchObject({ kind: 'deferred', reason: 'revoked' })
  await collector.stop()
  const gone = await sonde(['erase', '--yes', '--tell', '--lang', 'en', '--state', copy])
  expect([gone.code, gone.out]).toEqual([
    0,
    expect.stringMatching(/could not be told[\s\S]*Everything is erased/),
  ])
}, 60_000)

it('leaves what is not the agent’s, and follows no link', async () => {
  const state = await measured()
  const others = join(temporaryFolder('others'), 'letter')
  writeFileSync(others, 'kept')
  symlinkSync(others, join(state, 'exports.json'))
  writeFileSync(join(state, 'photo.jpg'), 'kept')
  expect((await sonde(['erase', '--yes', '--state', state])).code).toBe(0)
  expect(readFileSync(others, 'utf8')).toBe('kept')
  expect(readdirSync(state)).toEqual(['photo.jpg'])
})
