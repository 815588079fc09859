import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import { type Bundle, besidePackages, buildDateMs, bundle, root, standalone } from './bundle.ts'
import { installedNodes } from './nodes.ts'
import { sizesOf } from './sizes.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-bundle-'))
afterAll(() => rmSync(folder, { recursive: true }))

const version = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  .version as string
const agent = await bundle('agent/main.ts', join(folder, 'first/sonde.mjs'), standalone)

/** The modules that the built file asks Node.js for, by any of the ways in which a module can be named. */
function modulesAskedFor({ outfile, metafile }: Bundle): Set<string> {
  const known = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path))
  const text = readFileSync(outfile, 'utf8')
  const named = [...text.matchAll(/\b(?:require|import|from)\s*\(?\s*["'`]([\w:/.@-]+)["'`]/g)].map(
    (m) => m[1],
  )
  return new Set([...known, ...named].map((name) => String(name).replace(/^node:/, '')))
}

describe('the agent as one file', () => {
  it('is at most 700 kB, and 250 kB through gzip', () => {
    const { rawBytes, gzipBytes } = sizesOf(agent)
    expect(rawBytes).toBeLessThanOrEqual(700_000)
    expect(gzipBytes).toBeLessThanOrEqual(250_000)
  })

  it('asks for no child process, no thread and no package', () => {
    const asked = modulesAskedFor(agent)
    expect([...asked]).toEqual(expect.arrayContaining(['net', 'tls', 'dgram']))
    for (const unwanted of ['child_process', 'worker_threads', 'cluster', 'sqlite'])
      expect(asked).not.toContain(unwanted)
    const text = readFileSync(agent.outfile, 'utf8')
    expect(text).not.toMatch(/child_process|worker_threads/)
    for (const name of ['undici', 'dns-packet', 'node-cron', 'valibot']) expect(asked).not.toContain(name)
  })

  it('has of node-cron the parser, and neither its timers nor its time zones', () => {
    const { byPackage } = sizesOf(agent)
    expect(byPackage.get('node-cron')).toBeLessThan(7_000)
    expect(readFileSync(agent.outfile, 'utf8')).not.toContain('DateTimeFormat')
  })

  it('has one of the two llhttp twins, and no fetch', () => {
    const inputs = Object.values(agent.metafile.outputs).flatMap((output) => Object.keys(output.inputs))
    expect(inputs.filter((path) => path.includes('/llhttp/')).map((path) => path.split('/').at(-1))).toEqual(
      expect.arrayContaining(['llhttp-wasm.js']),
    )
    expect(
      inputs.filter((path) => /llhttp_simd|undici\/lib\/web\/|undici\/index\.js|thread-stream\//.test(path)),
    ).toEqual([])
  })

  it('comes with the licence of every package in it', () => {
    const notices = readFileSync(`${agent.outfile}.LEGAL.txt`, 'utf8')
    const packages = [...sizesOf(agent).byPackage.keys()].filter((name) => !/[/ ]$|stand-ins/.test(name))
    expect(packages).toContain('undici')
    expect(packages.filter((name) => !notices.includes(`${name} `))).toEqual([])
  })

  it('is the same to the byte when it is built again elsewhere', async () => {
    const again = await bundle('agent/main.ts', join(folder, 'second/sonde.mjs'), standalone)
    expect(readFileSync(again.outfile).equals(readFileSync(agent.outfile))).toBe(true)
    expect(
      readFileSync(`${again.outfile}.LEGAL.txt`).equals(readFileSync(`${agent.outfile}.LEGAL.txt`)),
    ).toBe(true)
  })

  it('names no folder of the machine it was built on', () => {
    const text = readFileSync(agent.outfile, 'utf8')
    expect(text).not.toContain(join(import.meta.dirname, '..'))
    expect(text).not.toContain(folder)
  })

  it.each(installedNodes())('says its version on Node $major', ({ path }) => {
    expect(execFileSync(path, [agent.outfile, '--version'], { encoding: 'utf8' })).toBe(`sonde ${version}\n`)
  })

  it('is executable', () => {
    const env = { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin` }
    expect(execFileSync(agent.outfile, ['--version'], { encoding: 'utf8', env })).toBe(`sonde ${version}\n`)
  })
})

describe('what is cut from a bundle', () => {
  /** Bundles `contents` as the agent is bundled, and imports the result. */
  async function run(contents: string): Promise<{ outcome: () => unknown }> {
    const stdin = { contents, resolveDir: root, loader: 'ts' } as const
    const common = { bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' } as const
    const path = join(mkdtempSync(join(folder, 'cut-')), 'cut.mjs')
    await build({ ...standalone, ...common, stdin, outfile: path })
    return import(pathToFileURL(path).href)
  }

  it.each([
    [
      "undici's requests",
      "import { Client } from 'undici'",
      "new Client('http://127.0.0.1:1').request({ path: '/' })",
    ],
  ])('says so when it is used: %s', async (_, imports, use) => {
    const { outcome } = await run(`${imports}\nexport const outcome = () => ${use}`)
    expect(outcome).toThrow('Left out of the bundle: ')
  })

  it('is refused at once when it is a name undici has and the bundle has not', async () => {
    const wanted = "import { fetch } from 'undici'\nexport const outcome = fetch"
    await expect(run(wanted)).rejects.toThrow('No matching export')
  })
})

describe('the collector beside its packages', () => {
  it('is built readable, with its packages left outside', async () => {
    const { outfile, metafile } = await bundle(
      'collector/main.ts',
      join(folder, 'sonde-collector.mjs'),
      besidePackages,
    )
    expect(modulesAskedFor({ outfile, metafile })).toContain('fastify')
    expect(
      [...sizesOf({ outfile, metafile }).byPackage.keys()].filter((name) => !name.endsWith('/')),
    ).toEqual([])
  })
})

describe('buildDateMs()', () => {
  const given = process.env.SOURCE_DATE_EPOCH
  const under = <T>(value: string | undefined, act: () => T): T => {
    if (value === undefined) delete process.env.SOURCE_DATE_EPOCH
    else process.env.SOURCE_DATE_EPOCH = value
    try {
      return act()
    } finally {
      if (given === undefined) delete process.env.SOURCE_DATE_EPOCH
      else process.env.SOURCE_DATE_EPOCH = given
    }
  }

  it('is what a packager set', () => {
    expect(under('1532822400', buildDateMs)).toBe(1_532_822_400_000)
  })

  it('is otherwise no later than now, and the same when asked again', () => {
    const first = under(undefined, buildDateMs)
    expect(first).toBeLessThanOrEqual(Date.now())
    expect(under(undefined, buildDateMs)).toBe(first)
  })

  it.each(['yesterday', '-1', '1.5', ''])('refuses %j, which is no number of seconds', (value) => {
    expect(() => under(value, buildDateMs)).toThrow('expected seconds since 1970')
  })
})
