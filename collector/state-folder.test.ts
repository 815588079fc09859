// State folders that `sonde-collector` cannot use: each is told in a sentence that says what to do, and the program ends. Where
// a disk or another user is needed, the commands run inside a namespace of their own.

import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { modernNode } from '../build/modern-node.ts'
import { collectorBundle, type Ended, runToEnd, temporaryFolder } from '../test/support/processes.ts'

const node = modernNode()
/** Who may mount, and become another user. */
const isRoot = process.getuid?.() === 0
let folder: string
beforeEach(() => {
  folder = temporaryFolder('state')
})

const collector = (...argv: string[]) => runToEnd(node, [collectorBundle, ...argv])

/** With `$sonde` as the program, `$folder`, and mounts that end with the script. */
function inShell(script: string): Promise<Ended> {
  return new Promise((resolve) => {
    const set = `folder=${folder}; sonde() { ${node} ${collectorBundle} "$@"; }; ${script}`
    const options = { timeout: 20_000, killSignal: 'SIGKILL' } as const
    const child = execFile('unshare', ['-m', '--kill-child', 'sh', '-c', set], options, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
  })
}

it('sonde-collector token makes no second collector where a name was mistyped', async () => {
  const state = join(folder, 'typo')
  const { code, out, err } = await collector('token', '--state', state)
  expect({ code, out, err }).toEqual({
    code: 66,
    out: '',
    err: expect.stringMatching(/There is no collector's state in .*typo\. .* \[no_state\]\n$/),
  })
  expect(readdirSync(folder)).not.toContain('typo')
})

describe.each(['token', 'serve'])('sonde-collector %s', (command) => {
  it("leaves an agent's folder as it is", async () => {
    for (const mark of ['device-key', 'spool']) {
      const state = join(folder, mark)
      mkdirSync(join(state, mark), { recursive: true })
      const { code, out, err } = await collector(command, '--state', state)
      expect({ code, out, err }).toEqual({
        code: 73,
        out: '',
        err: expect.stringMatching(/is the state folder of an agent. Name another .* \[agents_state\]\n$/),
      })
      expect(readdirSync(state)).toEqual([mark])
    }
  })

  it.runIf(command === 'serve')(
    'says that a folder cannot be made behind a link that leads nowhere',
    async () => {
      symlinkSync(join(folder, 'gone', 'x'), join(folder, 'link'))
      const { code, err } = await collector(command, '--state', join(folder, 'link'))
      expect({ code, err }).toEqual({
        code: 73,
        err: expect.stringMatching(/--state DIR.* \[state_unusable\]\n$/),
      })
    },
  )

  it.runIf(command === 'serve')(
    'says that a folder cannot be made where the system makes none, and ends',
    async () => {
      const { code, err } = await collector(command, '--state', '/proc/sonde')
      expect({ code, err }).toEqual({
        code: 73,
        err: expect.stringMatching(
          /Cannot make the state folder \/proc\/sonde: ENOENT.* \[state_unusable\]\n$/,
        ),
      })
    },
  )

  it.runIf(command === 'serve')('says that a folder cannot be made in one that was deleted', async () => {
    const script = `mkdir $folder/gone && cd $folder/gone && rmdir ../gone && sonde ${command} --state x`
    const { code, err } = await new Promise<Ended>((resolve) => {
      const set = `folder=${folder}; sonde() { ${node} ${collectorBundle} "$@"; }; ${script}`
      const child = execFile('sh', ['-c', set], (_error, out, said) =>
        resolve({ code: child.exitCode, out, err: said }),
      )
    })
    expect({ code, err }).toEqual({ code: 73, err: expect.stringMatching(/\[state_unusable\]\n$/) })
  })

  it.skipIf(!isRoot)('says what to do about a disk that is read only', async () => {
    const script = `mount -t tmpfs none $folder && sonde token --state $folder >&2 && rm $folder/collector-key &&
      mount -o remount,ro $folder && sonde ${command} --state $folder`
    const { code, err } = await inShell(script)
    expect(code).toBe(73)
    expect(err).toMatch(/(mount it to be written|may write to).* \[\w+\]\n$/)
  })
})

describe('sonde-collector serve', () => {
  it.skipIf(!isRoot)('ends when it listens and the disk has no room to say where', async () => {
    const script = `mount -t tmpfs -o size=40k none $folder &&
      mkdir $folder/c && sonde token --state $folder/c >&2 && sonde serve --state $folder/c --port 0`
    const { code, err } = await inShell(script)
    expect({ code, err }).toEqual({
      code: 73,
      err: expect.stringMatching(/Make room on the disk\. \[disk_full\]\n$/),
    })
  })

  it.each(['no.such.invalid', 'a'.repeat(300), 'fe80::1'])(
    'says that it cannot listen at %s, which is no address of this machine',
    async (host) => {
      const { code, err } = await collector('serve', '--state', folder, '--port', '0', '--host', host)
      expect({ code, err }).toEqual({
        code: 69,
        err: expect.stringMatching(/sonde-collector: Cannot listen.* \[host_not_ours\]\n$/),
      })
    },
  )
})

describe.skipIf(!isRoot)('sonde-collector serve without a network', () => {
  it('says that it cannot listen at a name, which cannot be looked up', async () => {
    const script = `unshare -n ${node} ${collectorBundle} serve --state $folder --port 0 --host site.test`
    const { code, err } = await inShell(script)
    expect({ code, err }).toEqual({
      code: 69,
      err: expect.stringMatching(/cannot be looked up now; say the address itself\. \[host_not_ours\]\n$/),
    })
  })
})

describe('a command that wants a state folder', () => {
  it.skipIf(!isRoot)(
    'says of one that another user owns that it is not permitted, not that it is not there',
    async () => {
      chmodSync(folder, 0o755)
      const state = join(folder, 'c')
      mkdirSync(state, { mode: 0o700 })
      expect((await collector('token', '--state', state)).code).toBe(0)
      // The node of the tests may lie where only root may go: it is opened first, and then another user becomes of it.
      const become = `data:text/javascript,process.setgid(65534);process.setuid(65534)`
      const argv = ['--import', become, collectorBundle, 'recipient', '--state', state]
      const { code, err } = await runToEnd(node, argv)
      expect({ code, err }).toEqual({
        code: 66,
        err: expect.stringMatching(/belongs to another user\. Give .* \[state_unreadable\]\n$/),
      })
    },
  )

  it("says of an agent's folder whose it is", async () => {
    writeFileSync(join(folder, 'device-key'), '')
    expect(await collector('export', '--state', folder)).toMatchObject({
      code: 73,
      err: expect.stringContaining('[agents_state]'),
    })
  })
})
