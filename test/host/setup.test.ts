// `sonde setup` from an empty folder to a device that measures and whose results have arrived; again; and without a network.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { type RunningCollector, sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { talk } from '../support/talking.ts'

let internet: LoopbackInternet
let collector: RunningCollector
beforeAll(async () => {
  internet = await startLoopbackInternet()
  collector = await startCollector()
})
afterAll(async () => {
  internet.close()
  await collector.stop()
})

/** As `internet` has it, but nobody has agreed yet. */
function device() {
  const state = temporaryFolder('setup')
  const config = JSON.parse(readFileSync(internet.agentArguments[1] ?? '', 'utf8'))
  writeFileSync(join(state, 'config.json'), JSON.stringify({ ...config, host_agreed: false }))
  return state
}
const agreeing = ['oui', 'non', 'oui', 'oui', '']
const configOf = (state: string) => JSON.parse(readFileSync(join(state, 'config.json'), 'utf8'))

it('asks little, and ends with a device that measures and whose results arrive', async () => {
  const state = device()
  const file = join(temporaryFolder('token'), 'token.txt')
  writeFileSync(file, `${collector.url}\n${await collector.token()}\n`)
  const answers = ['1', ...agreeing, 'n’importe quoi', file, '2', 'Orange Mali']
  const { code, out } = await talk(['installer', '--state', state], answers)
  expect(out).toContain('Il faut une adresse')
  expect(out).toContain('Appareil inscrit.')
  expect([code, out]).toEqual([0, expect.stringMatching(/Cet appareil mesure\. Résultats : [1-9]/)])
  expect((await collector.measurements()).length).toBeGreaterThan(0)
  expect(configOf(state)).toMatchObject({
    lab: true,
    network_type: 'mobile',
    probe_network_name: 'Orange Mali',
  })

  const again = await talk(['setup', '--state', state], ['2', '', ''])
  expect([again.code, again.out]).toEqual([0, expect.stringContaining('This device measures.')])
  expect(again.out).not.toContain('10. ')
  expect(configOf(state)).toMatchObject({ network_type: 'mobile' })
  const statut = await sonde(['statut', '--state', state])
  expect(statut.out).toMatch(/^The program does not run\n/)
}, 60_000)

it('goes as far as it can where no collector answers, and measures', async () => {
  const state = device()
  const pasted = `${await collector.token()} http://127.0.0.1:9/`
  const { code, out } = await talk(['setup', '--lang', 'fr', '--state', state], [...agreeing, pasted])
  expect(out).toContain('Pas inscrit maintenant.')
  expect([code, out]).toEqual([0, expect.stringContaining('Cet appareil mesure.')])
}, 60_000)

it('ends where the host does not agree, before anything is asked or sent', async () => {
  const state = device()
  const { code, out } = await talk(['setup', '--lang', 'fr', '--state', state], ['oui', 'non', 'oui', 'non'])
  expect([code, out]).toEqual([1, expect.stringContaining('Sans accord')])
  expect(out).not.toContain('jeton')
}, 60_000)
