// What `npm run package` writes: the same bytes each time, what Debian's own checker says of it, and what is inside.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentPackage } from '../../build/package/agent-files.ts'
import { writeDebianPackage } from '../../build/package/debian-package.ts'
import { writePackages } from '../../build/package/main.ts'
import { temporaryFolder } from '../support/processes.ts'

const folder = temporaryFolder('packages')
const once = join(folder, 'once')
const edition = { version: '1.2.3', dateMs: Date.parse('2026-11-01T00:00:00Z') }
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const digests = (of: string) =>
  Object.fromEntries(readdirSync(of).map((name) => [name, digest(join(of, name))]))

beforeAll(async () => {
  await writePackages(once, edition, 'quick', null)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Each path with its mode and owner, as dpkg will make it. */
function listed(deb: string): string[] {
  const lines = execFileSync('dpkg-deb', ['--contents', join(once, deb)], { encoding: 'utf8' })
    .trim()
    .split('\n')
  return lines.map((line) => line.replace(/^(\S+) (\S+) .* (\.\S+).*$/, '$1 $2 $3'))
}

describe('npm run package', () => {
  it('writes the same bytes under another mask, in another zone, later', async () => {
    const again = join(folder, 'again')
    const [mask, zone] = [process.umask(0o077), process.env.TZ]
    process.env.TZ = 'Pacific/Apia'
    try {
      await writePackages(again, edition, 'quick', null)
    } finally {
      process.umask(mask)
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
    expect(digests(again)).toEqual(digests(once))
  })

  it('compresses a release the same each time, in one thread', () => {
    const made = ['a', 'b'].map((name) => {
      const to = join(folder, name)
      mkdirSync(to)
      return digest(writeDebianPackage(to, agentPackage(edition, null), edition.dateMs, 'small'))
    })
    expect(new Set(made).size).toBe(1)
  })

  it('names the checksum of every file', () => {
    const { status } = spawnSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: once })
    const named = readFileSync(join(once, 'SHA256SUMS'), 'utf8').trim().split('\n').length
    expect({ status, named }).toEqual({ status: 0, named: readdirSync(once).length - 1 })
  })

  it('says what is in the bundle, with hashes, and nothing of other programs', () => {
    const bom = JSON.parse(readFileSync(join(once, 'sonde-1.2.3.cdx.json'), 'utf8'))
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { timestamp: '2026-11-01T00:00:00.000Z' } })
    const names = bom.components.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['undici', 'node-cron', 'valibot', 'dns-packet']))
    expect(names).not.toContain('fastify')
    expect(bom).not.toHaveProperty('serialNumber')
    const inNotices = [
      ...readFileSync(join('dist', 'sonde.mjs.LEGAL.txt'), 'utf8').matchAll(
        /^(\S+) \d+\.\d+\.\d+\S* \(.+\)$/gm,
      ),
    ].map(([, name]) => name)
    expect(names.filter((name: string) => !name.startsWith('node-linux'))).toEqual(inNotices)
  })
})

describe('the package for any machine', () => {
  const deb = 'sonde_1.2.3_all.deb'

  it("is all root's, with no file that others may write", () => {
    const odd = listed(deb).filter(
      (line) => !/^[-d]r[-w]xr-xr-x root\/root|^-rw-r--r-- root\/root/.test(line),
    )
    expect(odd).toEqual([])
  })

  it('wants the system Node.js, and holds service, man page, completions and copyright', () => {
    const depends = execFileSync('dpkg-deb', ['--field', join(once, deb), 'Depends'], { encoding: 'utf8' })
    expect(depends).toBe('nodejs (>= 20.18.1)\n')
    const paths = listed(deb).map((line) => line.split(' ')[2])
    expect(paths).toEqual(
      expect.arrayContaining([
        './usr/bin/sonde',
        './usr/lib/sonde/sonde.mjs',
        './usr/lib/systemd/system/sonde.service',
        './usr/lib/systemd/system/sonde-watchdog.timer',
        './usr/share/man/man1/sonde.1.gz',
        './usr/share/bash-completion/completions/sonde',
        './usr/share/zsh/vendor-completions/_sonde',
        './usr/share/fish/vendor_completions.d/sonde.fish',
        './usr/share/doc/sonde/copyright',
        './etc/sonde/config.json',
      ]),
    )
    expect(paths).not.toContain('./usr/lib/sonde/node')
  })
})

const hasLintian = spawnSync('lintian', ['--version']).status === 0
it.runIf(hasLintian)(
  'has nothing that Debian would complain of',
  () => {
    const debs = readdirSync(once).filter((name) => name.endsWith('.deb'))
    const args = ['--fail-on', 'error,warning', '--tag-display-limit', '0', ...debs]
    const { status, stdout } = spawnSync('lintian', args, { cwd: once, encoding: 'utf8' })
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: '' })
  },
  120_000,
)
