// No probe without the host's consent, and none in a pause: the built agent, which is asked, answered, and obeyed by.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConsent, writeConsent } from '../../agent/consent/consent.ts'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { sonde, temporaryFolder } from '../support/processes.ts'
import { runningAgent } from '../support/running-agent.ts'
import { talk } from '../support/talking.ts'

let internet: LoopbackInternet
/** Counts who knocks. */
let door: Server
let knocks = 0
let withDoor: string[]

beforeAll(async () => {
  internet = await startLoopbackInternet()
  door = createServer((socket) => {
    knocks += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const address = door.address()
  const input = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  const folder = temporaryFolder('door')
  const entries = [{ nettest: 'web_connectivity', input, category_code: 'MISC' }]
  const list = { name: 'door', version: 1, entries, controls: [], resolvers: [] }
  writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
  const config = {
    lab: true,
    test_list: join(folder, 'list.json'),
    repeat_after_seconds: 0,
    jitter_seconds: 0,
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  withDoor = ['--config', join(folder, 'config.json')]
})
afterAll(() => {
  internet.close()
  door.close()
})

it('an agent waits for consent without a knock, obeys a pause, and stops when it is withdrawn', async () => {
  const state = temporaryFolder('consent')
  knocks = 0
  const agent = runningAgent(state, withDoor)
  expect(await agent.says('S1301')).toContain('why=not_asked')
  expect((await sonde(['consent', 'show', '--lang', 'fr', '--state', state])).code).toBe(1)
  const { out } = await sonde(['status', '--state', state])
  expect(out).toContain('HOST HAS NOT AGREED')
  expect(knocks).toBe(0)

  const yes = await sonde(['consent', '--yes', '--lang', 'en', '--state', state])
  expect([yes.code, yes.out]).toEqual([0, expect.stringContaining('gave their agreement')])
  await agent.says('S1303')
  await agent.says('S2002')
  expect(knocks).toBeGreaterThan(0)

  const paused = await sonde(['pause', '6h', '--lang', 'fr', '--state', state])
  expect(paused.out).toMatch(/^En pause jusqu’au \d\d\/\d\d\/\d{4} \d\d:\d\d UTC\./)
  await agent.says('S1302')
  expect((await sonde(['status', '--state', state])).out).toMatch(/^PAUSED/)
  const before = knocks
  const refused = await sonde(['once', '--state', state, ...withDoor], { LANG: 'en_US.UTF-8' })
  expect([refused.code, refused.err]).toEqual([75, expect.stringContaining('[paused]')])
  expect(knocks).toBe(before)

  let after = agent.lines.length
  expect((await sonde(['reprendre', '--state', state])).code).toBe(0)
  await agent.says('S2002', after)
  after = agent.lines.length
  expect((await sonde(['consent', 'withdraw', '--state', state])).code).toBe(0)
  expect(await agent.says('S1301', after)).toContain('why=withdrawn')
  expect(await agent.stop()).toBe(0)
}, 60_000)

it('a pause outlasts a restart', async () => {
  const state = temporaryFolder('consent')
  expect((await sonde(['pause', '--state', state])).code).toBe(0)
  knocks = 0
  const agent = runningAgent(state, withDoor, { SONDE_HOST_AGREED: 'true' })
  await agent.says('S1302')
  expect(agent.lines[0]).toMatch(/^Selon la configuration, l’hôte est d’accord/)
  expect(await agent.stop()).toBe(0)
  expect(knocks).toBe(0)
}, 60_000)

it('asks in ten sentences and three questions, explains a wrong answer, and keeps what was said', async () => {
  const state = temporaryFolder('consent')
  const answers = ['non', 'oui', 'non', 'peut-être', 'oui', 'oui', 'oui', ...Array(10).fill(''), 'oui', 'n']
  const { code, out } = await talk(['consent', '--lang', 'fr', '--state', state], answers)
  expect([code, out]).toEqual([0, expect.stringContaining('C’est noté.')])
  expect(out.match(/^\d+\. /gm)).toHaveLength(10)
  expect(out).toContain('Si, il le peut')
  expect(out).toContain('Répondez oui ou non.')
  expect(await readConsent(join(state, 'consent.json'))).toMatchObject({
    agreed: true,
    how: 'asked',
    language: 'fr',
    version: 1,
    text_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    categories: ['REL'],
  })
  const shown = await sonde(['consent', 'show', '--state', state], { LANG: 'en_US.UTF-8' })
  // The language is the one that was chosen, whatever the locale.
  expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/^Accord donné le .*\n.*religion/)])
})

it.each([
  ['no', ['oui', 'non', 'oui', 'non']],
  ['nothing more', ['oui', 'non', 'oui']],
  ['nothing', []],
])('whoever says %s has agreed to nothing', async (_, answers) => {
  const state = temporaryFolder('consent')
  const { code, out } = await talk(['consent', '--state', state], answers)
  expect([code, out]).toEqual([1, expect.stringContaining('Sans accord')])
  expect(readdirSync(state)).not.toContain('consent.json')
})

it('asks again when the text has changed', async () => {
  const state = temporaryFolder('consent')
  await sonde(['consent', '--yes', '--state', state])
  const path = join(state, 'consent.json')
  const kept = await readConsent(path)
  if (kept === null) throw new Error('Nothing was kept')
  await writeConsent(path, { ...kept, text_sha256: '0'.repeat(64) })
  const agent = runningAgent(state, withDoor)
  expect(await agent.says('S1301')).toContain('why=changed')
  await agent.stop()
}, 60_000)

it('once says in its first line whose consent it is, and needs no other', async () => {
  const state = temporaryFolder('consent')
  const { code, err } = await sonde(['once', '--state', state, ...withDoor])
  expect([code, err]).toEqual([0, expect.stringMatching(/^En tapant cette commande, vous acceptez/)])
  expect(readFileSync(join(state, 'log', 'sonde.ndjson'), 'utf8')).not.toContain('S1301')
})
