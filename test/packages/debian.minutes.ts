// The packages for Debian where they are used: installed, upgraded, refused, removed and purged in a Debian 13 in a folder; the one for
// arm64 runs there by qemu (no Raspberry Pi at hand: trap emulated), enrols, signs, measures and is given a receipt.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentPackage } from '../../build/package/agent-files.ts'
import { writeDebianPackage } from '../../build/package/debian-package.ts'
import { arm64Runtime } from '../../build/package/runtime.ts'
import { serveWith } from '../support/loopback.ts'
import { type RunningCollector, startCollector, temporaryFolder } from '../support/processes.ts'
import { Base, type Chroot } from './chroot.ts'

const folder = temporaryFolder('debian-packages')
const runtime = arm64Runtime()
const dateMs = Date.parse('2026-11-01T00:00:00Z')
const state = '/var/lib/sonde'
// main.ts makes it.
const base = new Base(process.env.DEBIAN_BASE ?? '')

afterAll(() => {
  base.close()
  rmSync(folder, { recursive: true })
})

/** Half a minute for the one with a Node.js in it. */
const built = new Map<string, string>()

function builtOnce(version: string, architecture: 'all' | 'arm64'): string {
  const key = `${version} ${architecture}`
  const path = built.get(key) ?? build(version, architecture)
  built.set(key, path)
  return path
}

function build(version: string, architecture: 'all' | 'arm64'): string {
  const wanted = agentPackage({ version, dateMs }, architecture === 'all' ? null : runtime)
  return writeDebianPackage(folder, wanted, dateMs, 'quick')
}

const install = (chroot: Chroot, deb: string) =>
  chroot.run('apt-get', [
    'install',
    '-y',

    '--no-install-recommends',
    '--allow-downgrades',
    deb,
  ])

/** What a host's consent and a life of some days leave. */
async function live(chroot: Chroot): Promise<void> {
  await chroot.mustRun('sonde', 'once', 'http://127.0.0.1:9/', '--json')
  writeFileSync(join(chroot.root, state, 'consent.json'), '{}')
}

describe('the package for any machine', () => {
  it('makes a user and a private folder, enables its units, and starts nothing', async () => {
    const chroot = base.fresh()
    const { code, err } = await install(chroot, chroot.bring(builtOnce('0.1.0', 'all'), 'a.deb'))
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(await chroot.mustRun('sonde', '--version')).toMatch(/^sonde \d/)
    expect(await chroot.mustRun('stat', '-c', '%U %G %a', state)).toBe('sonde sonde 700\n')
    const wanted = '/etc/systemd/system/multi-user.target.wants'
    for (const unit of ['sonde.service', 'sonde-consent.path', 'sonde-token.service', 'sonde-enrol.service'])
      expect(await chroot.mustRun('readlink', `${wanted}/${unit}`)).toMatch(
        new RegExp(`/lib/systemd/system/${unit}\n$`),
      )
    expect(chroot.has(`${state}/device-key`)).toBe(false)
    // What root does is the service's own: a folder of root's could not be read by it.
    await live(chroot)
    expect(await chroot.mustRun('stat', '-c', '%U %a', `${state}/device-key`)).toBe('sonde 600\n')
  })

  it('keeps key, results and configuration through an upgrade, refuses an older one, and again after removal', async () => {
    const chroot = base.fresh()
    await install(chroot, chroot.bring(builtOnce('0.1.0', 'all'), 'old.deb'))
    await live(chroot)
    writeFileSync(join(chroot.root, 'etc/sonde/config.json'), '{ "probe_cc": "ML" }\n')
    const key = chroot.read(`${state}/device-key`)
    const kept = () => ({ key: chroot.read(`${state}/device-key`), version: version(chroot) })

    await install(chroot, chroot.bring(builtOnce('0.2.0', 'all'), 'new.deb'))
    expect(kept()).toEqual({ key, version: '0.2.0' })
    expect(chroot.read('etc/sonde/config.json')).toContain('ML')

    const downgrade = await install(chroot, '/tmp/old.deb')
    expect(downgrade).toMatchObject({ code: 100 })
    expect(`${downgrade.out}${downgrade.err}`).toContain('sonde: 0.2.0 was here before, and 0.1.0 is older')
    expect(kept()).toEqual({ key, version: '0.2.0' })
    await chroot.mustRun('sonde', 'verify', '--help')

    await chroot.mustRun('apt-get', 'remove', '-y', 'sonde')
    expect({ program: chroot.has('usr/bin/sonde'), key: chroot.read(`${state}/device-key`) }).toEqual({
      program: false,
      key,
    })
    expect(await install(chroot, '/tmp/old.deb')).toMatchObject({ code: 100 })
    expect(await install(chroot, '/tmp/new.deb')).toMatchObject({ code: 0 })
    expect(chroot.read(`${state}/device-key`)).toBe(key)
  })

  it('leaves nothing of its own behind when it is purged, the user included', async () => {
    const chroot = base.fresh()
    const before = await filesOf(chroot)
    await install(chroot, chroot.bring(builtOnce('0.1.0', 'all'), 'a.deb'))
    await live(chroot)
    await chroot.mustRun('apt-get', 'purge', '-y', 'sonde')
    const after = await filesOf(chroot)
    expect(after.filter((path) => !before.includes(path) && /sonde/.test(path))).toEqual([])
    expect(await chroot.run('id', ['sonde'])).toMatchObject({ code: 1 })
  })
})

describe.runIf(runtime !== null)('the package for arm64, by qemu', () => {
  let collector: RunningCollector
  beforeAll(async () => {
    collector = await startCollector(join(folder, 'collector'))
  })
  afterAll(() => collector?.stop())

  it('is the same to the byte each time, and has nothing that Debian would complain of', () => {
    const deb = builtOnce('0.1.0', 'arm64')
    const before = digest(deb)
    expect(digest(build('0.1.0', 'arm64'))).toBe(before)
    const args = ['--fail-on', 'error,warning', '--tag-display-limit', '0', deb]
    const { status, stdout } = spawnSync('lintian', args, { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })

  it('has the Node.js whose figures its page gives', () => {
    expect(readFileSync('docs/benchmarks.md', 'utf8').includes(`Node.js ${runtime?.version}`)).toBe(true)
  })

  it('brings its own Node.js, enrols, measures, signs, and is given a receipt', async () => {
    const chroot = base.fresh()
    const { code, err, out } = await install(chroot, chroot.bring(builtOnce('0.1.0', 'arm64'), 'a.deb'))
    expect({ code, err, out }).toMatchObject({ code: 0 })
    expect(await chroot.mustRun('/usr/lib/sonde/node', '-p', 'process.arch + process.version')).toBe(
      `arm64v${runtime?.version}\n`,
    )
    const site = await serveWith(createServer((_, response) => response.end('<title>A page</title>')))
    const url = `http://127.0.0.1:${site.port}/`
    const controls = [{ url, expect: { status: 200 } }]
    const list = { name: 'loopback', version: 1, entries: [], controls, resolvers: [] }
    const put = (name: string, content: unknown) => {
      writeFileSync(join(chroot.root, 'etc/sonde', name), JSON.stringify(content))
      chmodSync(join(chroot.root, 'etc/sonde', name), 0o644)
    }
    put('list.json', list)
    put('config.json', { lab: true, repeat_after_seconds: 0, test_list: '/etc/sonde/list.json' })
    await chroot.mustRun('sonde', 'enrol', collector.url, await collector.token())
    const started = Date.now()
    await chroot.mustRun('sonde', 'once', url, '--json')
    console.log(`arm64 under qemu: a cycle of one site took ${((Date.now() - started) / 1000).toFixed(1)} s`)
    const stored = await collector.measurements()
    expect(stored.map(({ measurement }) => measurement.input)).toContain(url)
    const status = JSON.parse((await chroot.run('sonde', ['status', '--json'])).out)
    expect(status).toMatchObject({
      upload: { kind: 'delivered' },
      spool: { unsealed: 0, pending_batches: 0 },
    })
  })
})

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

function version(chroot: Chroot): string {
  return /^Package: sonde\n(?:.+\n)*?Version: (.+)$/m.exec(chroot.read('var/lib/dpkg/status'))?.[1] ?? ''
}

async function filesOf(chroot: Chroot): Promise<string[]> {
  const out = await chroot.mustRun('find', '/etc', '/usr', '/var', '/run', '-xdev')
  return out.split('\n')
}
