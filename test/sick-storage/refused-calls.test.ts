// The built agent when single calls are refused by the disk, one kind at a time, by strace(1): what can be done without is
// done without, and what cannot is said in a sentence with a code. Says so where there is no strace.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { agentBundle, runToEnd, sonde, startCollector, temporaryFolder } from '../support/processes.ts'

const deep = process.env.SONDE_DEEP !== undefined
const why = whyNoStrace()
if (why !== null) console.error(`\n\n  NO CALL WAS REFUSED: ${why}.\n\n`)

function whyNoStrace(): string | null {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'pipe' })
    return null
  } catch (error) {
    return `it needs strace, and to be let: ${error instanceof Error ? error.message.split('\n')[0] : error}`
  }
}

interface Refusal {
  readonly calls: string
  readonly error: string
  /** In the state folder; everywhere when it is left out. */
  readonly path?: string
  /** Nothing that was measured could be kept. */
  readonly loses?: true
  /** Of the first such call alone. */
  readonly once?: true
}

/** Runs the agent with these calls refused. */
function refusing(state: string, { calls, error, path, once }: Refusal, argv: readonly string[]) {
  const where = path === undefined ? [] : ['-P', join(state, path)]
  const inject = `inject=${calls}:error=${error}${once ? ':when=1' : ''}`
  const strace = ['-f', '-qq', '-o', '/dev/null', ...where, '-e', `trace=${calls}`, '-e', inject]
  return runToEnd('strace', [...strace, process.execPath, agentBundle, ...argv, '--state', state])
}

describe.skipIf(why !== null)('an agent', () => {
  let internet: LoopbackInternet
  let state: string
  let results: number
  const once = () => ['once', '--json', ...internet.agentArguments]
  beforeAll(async () => {
    internet = await startLoopbackInternet()
    state = temporaryFolder('refused')
    const { code, out } = await sonde([...once(), '--state', state])
    expect(code).toBe(0)
    results = out.split('\n').length
  })
  afterAll(() => internet.close())

  /** Process numbers end far below: nobody has this one. */
  const ofTheDead = '99999999\n'

  const refusals: readonly [string, Refusal][] = [
    ['the first flush, which is that of the lock', { calls: 'fsync', error: 'EIO', once: true }],
    ['to remove the lock of an agent that was killed', { calls: 'unlink', error: 'EROFS', path: 'lock' }],
    [
      'every flush, by a file system that is damaged',
      { calls: 'fsync,fdatasync', error: 'EUCLEAN', loses: true },
    ],
    ['to read what the last cycle left', { calls: 'openat', error: 'EIO', path: 'memory.json' }],
    ['to read the control log', { calls: 'openat', error: 'EIO', path: 'spool/control/c-0000000001.seg' }],
  ]
  it.each(refusals.filter((_, i) => deep || i < 2))(
    'measures when it is refused %s',
    { timeout: 120_000 },
    async (_, refusal) => {
      writeFileSync(join(state, 'lock'), ofTheDead)
      const { code, out, err } = await refusing(state, refusal, once())
      const lost = /^sonde: \d+ results could not be kept: .* \[results_lost\]\n$/
      expect({ code, err }).toEqual(
        refusal.loses ? { code: 74, err: expect.stringMatching(lost) } : { code: 0, err: '' },
      )
      expect(out.split('\n')).toHaveLength(results)
    },
  )

  it('measures when it cannot read its own key, and keeps that one', { timeout: 60_000 }, async () => {
    const key = readFileSync(join(state, 'device-key'))
    const refusal = { calls: 'openat', error: 'EIO', path: 'device-key' }
    const { code, out } = await refusing(state, refusal, once())
    expect(code).toBe(0)
    expect(out.split('\n')).toHaveLength(results)
    expect(readFileSync(join(state, 'device-key')).equals(key)).toBe(true)
    const logs = readdirSync(join(state, 'log')).map((name) => readFileSync(join(state, 'log', name), 'utf8'))
    expect(logs.join('')).toContain('S5104')
  })

  it('says what to do when it is enrolled and cannot keep the record, and the token is still good', {
    timeout: 120_000,
  }, async () => {
    const collector = await startCollector()
    const argv = ['enrol', collector.url, await collector.token()]
    const refusal = { calls: 'openat', error: 'ENOSPC', path: 'enrolment.json.tmp' }
    const { code, err } = await refusing(state, refusal, argv)
    expect({ code, err }).toEqual({
      code: 73,
      err: expect.stringMatching(/ENOSPC.*same command again.*\[state_unwritable\]\n$/),
    })
    expect(await sonde([...argv, '--state', state])).toMatchObject({ code: 0 })
    await collector.stop()
  })
})
