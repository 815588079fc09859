// What a device tells once everything is uploaded, to whoever copies its state folder: what SECURITY.md lists, and no more.
// What the spool packs is unpacked here, as they would.

import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { currentDictionary, inflateBody } from '../../agent/spool/log/dictionary.ts'
import { scanFrames } from '../../agent/spool/log/frame.ts'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { type RunningCollector, sonde, startCollector, temporaryFolder } from '../support/processes.ts'

let internet: LoopbackInternet
let collector: RunningCollector
const state = temporaryFolder('agent')

beforeAll(async () => {
  internet = await startLoopbackInternet()
  collector = await startCollector()
  copyFileSync(internet.agentArguments[1] ?? '', join(state, 'config.json'))
})
afterAll(async () => {
  internet.close()
  await collector.stop()
})

/** Rows of the table: names of files, and whether hosts may be in them. */
const rows = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, files = '', , hosts = ''] = line.split('|').map((cell) => cell.trim())
    const names = [...files.matchAll(/`([a-z.\-/]+)`/g)].map(([, name = '']) => name)
    return names.length === 0 ? [] : [{ names, hosts }]
  })
const rowOf = (file: string) =>
  rows.find(({ names }) =>
    names.some((name) => name === file || (name.endsWith('/') && file.startsWith(name))),
  )

function allFiles(): string[] {
  return readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => relative(state, join(each.parentPath, each.name)))
}

/** All text in the file, whatever it is packed in. */
function textIn(file: string): string {
  const bytes = readFileSync(join(state, file))
  const frames = scanFrames(bytes, 0).frames.map(({ body }) => {
    try {
      return inflateBody(body, currentDictionary).toString('latin1')
    } catch {
      return ''
    }
  })
  return [bytes.toString('latin1'), ...frames].join('\n')
}

/** Names, URLs and addresses of this test's internet and of any other. */
const hosts = /https?:\/\/|127\.0\.0\.1|site\.test|\.example|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/

const hostsFound = () => allFiles().filter((file) => hosts.test(textIn(file)))

it('after everything is uploaded the folder holds what SECURITY.md lists', async () => {
  // First without a collector, so that it is seen that this test finds what is there.
  const first = await sonde(['once', '--state', state])
  expect(first.code).toBe(0)
  expect(hostsFound().some((file) => file.startsWith('spool/records/'))).toBe(true)

  expect((await sonde(['enrol', collector.url, await collector.token(), '--state', state])).code).toBe(0)
  for (let cycle = 0; cycle < 2; cycle++) {
    const { code, out } = await sonde(['once', '--state', state])
    expect([code, out]).toEqual([0, expect.stringContaining('Uploaded')])
  }
  const { pending_batches, unsealed } = JSON.parse(
    (await sonde(['status', '--json', '--state', state])).out,
  ).spool
  expect([pending_batches, unsealed]).toEqual([0, 0])

  expect(allFiles().filter((file) => rowOf(file) === undefined)).toEqual([])
  const told = hostsFound()
  expect(told.filter((file) => !/^the collector's|^as written/.test(rowOf(file)?.hosts ?? ''))).toEqual([])
  expect(told.toSorted()).toEqual(['enrolment.json', 'status.json'])
  // What is said to be the collector's is nobody else's.
  for (const file of told) {
    const others = textIn(file).replaceAll(new URL(collector.url).host, '')
    expect(others.replaceAll('http://', ''), file).not.toMatch(hosts)
  }
}, 60_000)
