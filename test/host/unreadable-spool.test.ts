// Files and folders of the spool that the agent cannot read, as root leaves them: it says that it does not know what is in them and
// what to do, goes on measuring, gives no number twice, and sends what was there once it can be read. The built agent, as an
// ordinary user.

import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import {
  agentBundle,
  type Ended,
  type RunningCollector,
  runToEnd,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.error('\n\n  NO SPOOL OF ANOTHER USER: it needs root.\n\n')
const user = 65_534

function ownEverything(path: string, uid: number): void {
  chownSync(path, uid, uid)
  if (lstatSync(path).isDirectory())
    for (const name of readdirSync(path)) ownEverything(join(path, name), uid)
}

const recordsOf = (state: string) => {
  const [epoch = ''] = readdirSync(join(state, 'spool/records'))
  return join('spool/records', epoch)
}
const segmentOf = (state: string) => {
  const [segment = ''] = readdirSync(join(state, recordsOf(state)))
  return join(recordsOf(state), segment)
}

/** What is root's, and whether it was a folder that is a file now. */
const places: readonly (readonly [string, (state: string) => string, 'file' | null])[] = [
  ['a segment', segmentOf, null],
  ['the folder of an epoch', recordsOf, null],
  ['records/', () => 'spool/records', null],
  ['batches/', () => 'spool/batches', null],
  ['control/', () => 'spool/control', null],
  ['spool/', () => 'spool', null],
  ['the note of what is safe', () => 'spool/acknowledged', null],
  ['batches/, which is a file,', () => 'spool/batches', 'file'],
]

describe.skipIf(!isRoot)('an ordinary user’s agent', () => {
  let internet: LoopbackInternet
  let collector: RunningCollector
  let home: string
  const run = (...words: string[]): Promise<Ended> =>
    runToEnd('setpriv', [
      ...['--reuid=65534', '--regid=65534', '--clear-groups'],
      ...[process.execPath, join(home, 'sonde.mjs'), ...words],
    ])
  const once = (state: string) => run('once', '--state', state, '--config', join(home, 'config.json'))
  const status = (state: string) => run('status', '--state', state)
  const told = async (state: string) => JSON.parse((await run('status', '--json', '--state', state)).out)

  beforeAll(async () => {
    internet = await startLoopbackInternet()
    collector = await startCollector()
    home = temporaryFolder('home')
    chmodSync(home, 0o755)
    copyFileSync(agentBundle, join(home, 'sonde.mjs'))
    const entries = [1, 2, 3].map((n) => ({
      nettest: 'web_connectivity',
      input: `${internet.inputs.gone}${n}`,
      category_code: 'MISC',
    }))
    const list = { name: 'x', version: 1, entries, controls: [], resolvers: [] }
    writeFileSync(join(home, 'list.json'), JSON.stringify(list))
    const config = { lab: true, test_list: join(home, 'list.json'), repeat_after_seconds: 0 }
    writeFileSync(join(home, 'config.json'), JSON.stringify(config))
  }, 60_000)
  /** A device of its own, which has kept the results of one cycle. */
  async function used(name: string): Promise<{ state: string; kept: number }> {
    const state = join(home, name)
    mkdirSync(state)
    chownSync(state, user, user)
    const { code, err } = await once(state)
    if (code !== 0) throw new Error(err)
    return { state, kept: (await told(state)).spool.unsealed }
  }
  afterAll(async () => {
    internet.close()
    await collector.stop()
  })

  it.each(places)(
    'that cannot read %s says so and what to do, and sends what is in it later',
    async (what, where, isFile) => {
      const { state, kept } = await used(what.replaceAll(/\W/g, '-'))
      const path = join(state, where(state))
      if (isFile === 'file') {
        renameSync(path, `${path}-before`)
        writeFileSync(path, '')
      } else {
        chownSync(path, 0, 0)
        chmodSync(path, lstatSync(path).isDirectory() ? 0o700 : 0o600)
      }
      // Before any agent has seen it, and after one has.
      for (const step of ['before', 'after']) {
        if (step === 'after') {
          const measured = await once(state)
          expect(measured.err).toMatch(/S3908.*not known/)
          expect(measured.err).not.toContain('a bug')
          expect([measured.code, measured.err]).toEqual([74, expect.stringContaining('[results_lost]')])
        }
        const { code, out } = await status(state)
        expect(code, out).toBe(66)
        expect(out).toContain('SPOOL CANNOT BE READ (S3908)\n  what waits in it is not known\n')
        expect(out).toContain(path)
        expect(out).toContain(isFile === 'file' ? 'move it away' : `chown -R ${user} ${join(state, 'spool')}`)
        expect(out).not.toMatch(/Everything is uploaded|Nothing waits|Waiting/)
        expect(await told(state)).toMatchObject({ unread: { path } })
      }
      if (isFile === 'file') {
        rmSync(path)
        renameSync(`${path}-before`, path)
      }
      ownEverything(state, user)
      const { code, err } = await run('enrol', collector.url, await collector.token(), '--state', state)
      expect(code, err).toBe(0)
      expect((await once(state)).code).toBe(0)
      expect((await status(state)).out).toContain('Everything is uploaded')
      const { device } = await told(state)
      const mine = (await collector.measurements()).filter((each) => each.device === device)
      expect(new Set(mine.map(({ epoch, n }) => `${epoch} ${n}`)).size).toBe(mine.length)
      expect(mine.length).toBe(2 * kept)
    },
    60_000,
  )

  it('that cannot read one batch sends those behind it, says so, and sends that one later', async () => {
    const { state, kept } = await used('batches')
    const { code, err } = await run('enrol', collector.url, await collector.token(), '--state', state)
    expect(code, err).toBe(0)
    const stick = join(home, 'stick')
    mkdirSync(stick)
    chownSync(stick, user, user)
    await run('export', stick, '--state', state)
    const [name = ''] = readdirSync(join(state, 'spool/batches'))
    const path = join(state, 'spool/batches', name)
    chownSync(path, 0, 0)
    const measured = await once(state)
    expect(measured.err).toMatch(/S3908.*path=batches/)
    const { spool, device, unread } = await told(state)
    expect({ spool, unread }).toMatchObject({
      spool: { unsealed: 0, pending_batches: 1, lost: 0 },
      unread: { path, code: 'EACCES' },
    })
    ownEverything(state, user)
    await once(state)
    expect(await told(state)).toMatchObject({ spool: { pending_batches: 0, lost: 0 }, unread: null })
    const mine = (await collector.measurements()).filter((each) => each.device === device)
    expect(mine.length).toBe(3 * kept)
  }, 60_000)
})
