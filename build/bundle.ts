// `npm run build`: makes the agent one file that any Node.js from 20.18 runs without a package manager, and the
// collector one file beside its packages. Two builds of one tree are the same to the byte, so that anyone can check
// that a device runs what this repository contains. ADR 0007 says what is left out and why.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { narrowPackages } from './narrow-packages.ts'
import { noticesFor } from './notices.ts'
import { sizeTable } from './sizes.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** A file that was built and written. `metafile` says what is in it and which modules it asks Node.js for. */
export interface Bundle {
  readonly outfile: string
  readonly metafile: Metafile
}

/** An ES module has no `require`, and undici and dns-packet load Node's own modules with it. */
const requireForCommonJs =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);"

/**
 * Options for a program that carries its packages and runs on any Node.js: the agent, and the load loop of the
 * benchmark.
 */
export const standalone: BuildOptions = {
  target: 'node20.18',
  minify: true,
  plugins: [narrowPackages()],
  banner: { js: `#!/usr/bin/env node\n${requireForCommonJs}` },
}

/**
 * Options for a program that runs beside its node_modules and may use what Node 22.13 has. Its stack traces are
 * readable.
 */
export const besidePackages: BuildOptions = {
  target: 'node22.13',
  packages: 'external',
  banner: { js: '#!/usr/bin/env node' },
}

/**
 * Builds `entry` into the executable `outfile`, and the licences of the packages in it into `<outfile>.LEGAL.txt`.
 * Writes nothing but these two.
 *
 * @throws When esbuild finds an error, which it has printed by then.
 */
export async function bundle(entry: string, outfile: string, kind: BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    ...kind,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    // ES modules, because node-cron computes a path from `import.meta.url` at load, and only with them can esbuild
    // drop the rest of it.
    format: 'esm',
    charset: 'utf8',
    // Comments name some licences and not others; the notices file has all of them in full.
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
    define: {
      ...kind.define,
      __SONDE_VERSION__: JSON.stringify(packageVersion()),
      __SONDE_BUILD_DATE_MS__: String(buildDateMs()),
    },
  })
  await mkdir(dirname(outfile), { recursive: true })
  for (const file of outputFiles) await writeFile(file.path, file.contents)
  await chmod(outfile, 0o755)
  const notices = noticesFor(metafile, root)
  if (notices !== '') await writeFile(`${outfile}.LEGAL.txt`, notices)
  return { outfile, metafile }
}

/**
 * The program of a thread as text, for a program that is one file and starts the thread from itself. It may have no
 * packages: where a thread of text would look for them is not known.
 */
async function threadText(entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22.13',
    minify: true,
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  })
  return outputFiles[0]?.text ?? ''
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return version
}

/**
 * A moment at which this source certainly existed: the agent believes no clock that shows an earlier date. It is
 * SOURCE_DATE_EPOCH if a packager sets it, otherwise the time of the last commit, and never the time of the build,
 * which would make every build different. Outside a checkout it is 0, which excludes nothing.
 */
export function buildDateMs(): number {
  const given = process.env.SOURCE_DATE_EPOCH
  if (given !== undefined) {
    if (!/^\d{1,11}$/.test(given))
      throw new Error(`SOURCE_DATE_EPOCH is "${given}", expected seconds since 1970`)
    return Number(given) * 1000
  }
  try {
    const seconds = execFileSync('git', ['log', '-1', '--format=%ct'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return Number(seconds) * 1000
  } catch {
    console.warn(
      'build: no SOURCE_DATE_EPOCH and no commit, so the agent will have no lower bound for its clock',
    )
    return 0
  }
}

const programs = [
  { entry: 'agent/main.ts', outfile: 'dist/sonde.mjs', kind: async () => standalone },
  { entry: 'collector/main.ts', outfile: 'dist/sonde-collector.mjs', kind: collectorOptions },
  {
    entry: 'coordinator/main.ts',
    outfile: 'dist/sonde-coordinator.mjs',
    kind: async () => besidePackages,
  },
]

/** @returns Options for the collector, which unpacks payloads in a thread. */
export async function collectorOptions(): Promise<BuildOptions> {
  const text = await threadText('collector/archive/decode-worker.ts')
  return { ...besidePackages, define: { __SONDE_DECODE_WORKER__: JSON.stringify(text) } }
}

/** @param quiet - Prints nothing unless something is wrong. */
async function main(quiet: boolean): Promise<void> {
  for (const { entry, outfile, kind } of programs) {
    if (!existsSync(join(root, entry))) {
      console.warn(`build: ${entry} does not exist yet, so ${outfile} is left out`)
      continue
    }
    const built = await bundle(entry, join(root, outfile), await kind())
    if (!quiet) console.log(`${relative(root, built.outfile)}\n${sizeTable(built)}\n`)
  }
  // Imported only here: it loads both programs, which a build of only one of them does not need.
  const { writeManPages } = await import('./man.ts')
  await writeManPages(join(root, 'dist/man'), { version: packageVersion(), dateMs: buildDateMs() })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.includes('--quiet'))
  } catch (error) {
    // esbuild has printed its own errors by now, with file and line.
    if (!(error instanceof Error && 'errors' in error)) throw error
    process.exitCode = 1
  }
}
