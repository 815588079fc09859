// What `npm pack` makes, as somebody gets it who installs it: both programs run, what the README links to is there, and
// every package that the collector loads is a dependency.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { modernNode } from '../build/modern-node.ts'
import { temporaryFolder } from './support/processes.ts'
import { root } from './support/source-tree.ts'

const folder = temporaryFolder('package')
afterAll(() => rmSync(folder, { recursive: true }))

// Built before the tests are; what packing would build again is the same.
execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root })
const [tarball = ''] = readdirSync(folder)
execFileSync('tar', ['-xzf', tarball], { cwd: folder })
const unpacked = join(folder, 'package')
const manifest = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'))

/** Every package of the lock file that an installation without development packages brings. */
const installed = Object.entries<Locked>(
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages,
).filter(([path, { dev }]) => path !== '' && dev !== true)
interface Locked {
  readonly dev?: boolean
  readonly engines?: { readonly node?: string }
}

/** `csv-stringify/sync` is of `csv-stringify`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

describe('the package', () => {
  it('holds two programs that run', () => {
    const sonde = execFileSync(process.execPath, [join(unpacked, manifest.bin.sonde), '--version'])
    expect(String(sonde)).toBe(`sonde ${manifest.version}\n`)
    // Its packages are those of the repository, as an installation would have put them beside it.
    const collector = join(root, manifest.bin['sonde-collector'])
    const shipped = join(unpacked, manifest.bin['sonde-collector'])
    expect(readFileSync(shipped).equals(readFileSync(collector))).toBe(true)
    expect(String(execFileSync(modernNode(), [collector, '--version']))).toBe(
      `sonde-collector ${manifest.version}\n`,
    )
  })

  it('has every package that the collector loads among its dependencies', () => {
    const text = readFileSync(join(unpacked, manifest.bin['sonde-collector']), 'utf8')
    const named = [...text.matchAll(/^import\b[^'"]*?\bfrom\s*["']([^"'.][^"']*)["']/gm)].map(
      (match) => match[1] ?? '',
    )
    const packages = new Set(named.filter((name) => !isBuiltin(name)).map(packageOf))
    expect([...packages].filter((name) => !Object.hasOwn(manifest.dependencies, name))).toEqual([])
    expect(packages.size).toBeGreaterThan(2)
  })

  it('has what its README links to, and nothing that only builds or tests it', () => {
    const readme = readFileSync(join(unpacked, 'README.md'), 'utf8')
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] ?? '')
    expect(links.filter((link) => !existsSync(join(unpacked, link)))).toEqual(['test/replay/README.md'])
    expect(
      ['agent', 'collector', 'build', 'node_modules', '.ci'].filter((name) =>
        existsSync(join(unpacked, name)),
      ),
    ).toEqual([])
  })

  it('asks for no newer Node.js than it says, whatever a package below it wants', () => {
    const [, least = ''] = /^>=([\d.]+)$/.exec(manifest.engines.node) ?? []
    const tooNew = installed.filter(([, { engines }]) => {
      const wanted = /^>=\s*(\d+)(?:\.(\d+))?/.exec(engines?.node ?? '')
      const [major = 0, minor = 0] = least.split('.').map(Number)
      const [wantedMajor, wantedMinor] = [Number(wanted?.[1] ?? 0), Number(wanted?.[2] ?? 0)]
      return wantedMajor > major || (wantedMajor === major && wantedMinor > minor)
    })
    expect(tooNew.map(([path]) => path)).toEqual([])
    expect(installed.length).toBeGreaterThan(20)
  })
})
