// A state folder that cannot be used: what is to be mounted there is not, root has left files in it, no file can be made. Nothing of
// it stops a measurement, nothing is made in the wrong place, and what cannot be kept is said.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { agentBundle, cleanEnvironment, sonde, temporaryFolder } from '../support/processes.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

const isRoot = process.getuid?.() === 0
if (!isRoot)
  console.error('\n\n  NO FOLDER OF ANOTHER USER, AND NONE WITHOUT ROOM FOR FILES: it needs root.\n\n')

/** An agent that runs, and the lines of its log. */
function running(state: string) {
  const argv = [agentBundle, 'run', '--state', state, ...internet.agentArguments]
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: cleanEnvironment(),
  })
  const ended = once(child, 'exit')
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    for (const look of waiting) look()
  })
  return {
    lines,
    /** Resolves once a line has that code. */
    says: (code: string) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const line = lines.find((each) => each.includes(code))
          if (line !== undefined) resolve(line)
        }
        waiting.add(look)
        child.once('exit', () => reject(new Error(lines.join('\n'))))
        look()
      }),
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0] as number | null
    },
  }
}

function unmounted(): string {
  const state = temporaryFolder('mount')
  writeFileSync(join(state, 'wait-for-mount'), '')
  return state
}

describe('an agent whose state folder is not mounted yet', () => {
  it('measures into memory, makes nothing, and goes on as the device that it is once it is there', async () => {
    const real = temporaryFolder('agent')
    await sonde(['once', '--state', real, ...internet.agentArguments])
    const before = JSON.parse((await sonde(['status', '--json', '--state', real])).out)
    const state = unmounted()
    const agent = running(state)
    expect(await agent.says('S3905')).toContain('waits_for=mount')
    const [, measured] = /measurements=(\d+)/.exec(await agent.says('S2002')) ?? []
    expect(readdirSync(state)).toEqual(['wait-for-mount'])
    // What a mount does, as far as the path goes.
    renameSync(state, `${state}-below`)
    renameSync(real, state)
    expect(await agent.says('S3906')).toContain(`records=${measured}`)
    expect(await agent.stop()).toBe(0)
    const after = JSON.parse((await sonde(['status', '--json', '--state', state])).out)
    expect(after.device).toBe(before.device)
    expect(after.spool.unsealed).toBeGreaterThanOrEqual(before.spool.unsealed + Number(measured))
    expect(after.spool.lost).toBe(0)
    expect(readdirSync(`${state}-below`)).toEqual(['wait-for-mount'])
  }, 60_000)

  it('says what is lost when it is stopped before', async () => {
    const agent = running(unmounted())
    await agent.says('S2002')
    expect(await agent.stop()).toBe(74)
    expect(agent.lines.at(-1)).toMatch(/\d+ results were in memory only.*\[results_lost\]/)
  }, 60_000)

  it.each(['once', 'status', 'export'])('is no folder for sonde %s, which says why', async (command) => {
    const state = unmounted()
    const more = command === 'export' ? [temporaryFolder('stick')] : []
    const { code, err } = await sonde([command, ...more, '--state', state])
    expect([code, err]).toEqual([66, expect.stringMatching(/is not there.*wait-for-mount.*\[no_state\]/)])
    expect(readdirSync(state)).toEqual(['wait-for-mount'])
  })
})

function bash(
  script: string,
  argv: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      'bash',
      ['-c', script, 'bash', ...argv],
      { env: cleanEnvironment() },
      (_, out, err) => resolve({ code: child.exitCode, out, err }),
    )
  })
}

describe.skipIf(!isRoot)('a folder in which root has left files', () => {
  /** The agent's folder, made by a first start as root, and then given to its user in part. */
  async function leftByRoot(give: string) {
    const home = temporaryFolder('home')
    chmodSync(home, 0o755)
    const bundle = join(home, 'sonde.mjs')
    copyFileSync(agentBundle, bundle)
    // What root's own folders hide from others.
    const list = { name: 'x', version: 1, entries: [], controls: [], resolvers: [] }
    const entry = { nettest: 'web_connectivity', input: internet.inputs.gone, category_code: 'MISC' }
    writeFileSync(join(home, 'list.json'), JSON.stringify({ ...list, entries: [entry] }))
    writeFileSync(
      join(home, 'config.json'),
      JSON.stringify({ lab: true, test_list: join(home, 'list.json'), repeat_after_seconds: 0 }),
    )
    const state = join(home, 'state')
    mkdirSync(state)
    await sonde(['once', '--state', state, '--config', join(home, 'config.json')])
    const asUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, bundle]
    const script = `cd "$1" && chown 65534 . && ${give} && shift && exec "$@"`
    return (...words: string[]) => bash(script, [state, ...asUser, ...words, '--state', state])
  }

  it.each([
    ['everything', 'true'],
    ['the key, and what is in its folders', 'chown 65534 log spool carried'],
    ['what is in its folders', 'chown 65534 log spool carried *.json device-key'],
  ])('measures, where %s is root’s, and says that it keeps nothing', async (_, give) => {
    const run = await leftByRoot(give)
    const { code, out, err } = await run('once', '--config', '../config.json')
    expect(out).toContain('undetermined')
    expect(err).toMatch(/results could not be kept.*another user's.*\[results_lost\]/)
    expect(err).not.toContain('a bug')
    expect(code).toBe(74)
  })

  it('keeps what it measures as soon as its own folders can be written', async () => {
    const run = await leftByRoot('chown -R 65534 spool log carried')
    const { code, err } = await run('once', '--config', '../config.json')
    expect([code, err]).toEqual([0, expect.stringContaining('S5104')])
  })
})

describe.skipIf(!isRoot)('a disk on which no more files can be made', () => {
  const onDisk = (files: number, script: string) =>
    bash(`mount -t tmpfs -o nr_inodes=${files},size=8m tmpfs "$1" && cd "$1" && shift && ${script}`, [
      temporaryFolder('full'),
      process.execPath,
      agentBundle,
      'once',
      '--state',
      'state',
      ...internet.agentArguments,
    ])
  const alone = (files: number, script: string) =>
    onDisk(files, script).then(({ out, err }) => ({ text: out + err }))

  it.each([
    ['the folder itself', 1, ''],
    ['anything in it', 2, 'mkdir state;'],
    ['its folders of records', 6, ''],
  ])('prints what it measured where there is no room for %s, and ends with 74', async (_, files, before) => {
    const { text } = await alone(files, `${before} "$@"; echo "code $?"`)
    expect(text).toContain('VERDICT')
    expect(text).toMatch(/results could not be kept.*\[results_lost\]/)
    expect(text).toContain('code 74')
    expect(text).not.toContain('a bug')
  })

  it('does not say that no cycle has run, where no status could be written', async () => {
    const { text } = await alone(2, 'mkdir state; "$@" > /dev/null; "$1" "$2" status --state state')
    expect(text).toContain('DISK IS FULL\n  no status could be written\n')
    expect(text).not.toContain('No cycle has run')
  })
})
