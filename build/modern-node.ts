// Finds a Node.js that has `node:sqlite` (22.13 or newer), for code that needs the collector's index, while the rest
// of the repository is worked on with the system's Node.js, which may be 20.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Optional dependencies that contain only a binary, by `process.arch`. */
const packageFor: Readonly<Record<string, string>> = { x64: 'node24', arm64: 'node24-arm64' }

/**
 * Whether this version has `node:sqlite` without a flag: 22.13, 23.4 and everything from 24.
 * @param version - In the form of `process.versions.node`.
 */
export function isModern(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major >= 24 || (major === 23 && minor >= 4) || (major === 22 && minor >= 13)
}

/**
 * @returns The path of a Node.js with `node:sqlite`: the one that runs this, otherwise the one among the optional
 * dependencies.
 * @throws {Error} When there is neither; the message says what to install.
 */
export function modernNode(): string {
  if (isModern(process.versions.node)) return process.execPath
  const name = packageFor[process.arch]
  const path = name === undefined ? undefined : join(root, 'node_modules', name, 'bin', 'node')
  if (path !== undefined && existsSync(path)) return path
  throw new Error(
    `Cannot find a Node.js with node:sqlite: this is ${process.versions.node} on ${process.arch}. ` +
      'Install Node.js 22.13 or newer, or run `npm ci` without `--omit=optional`',
  )
}

/**
 * Runs one test file again under `modernNode()`, so that code that needs `node:sqlite` is tested on every machine.
 * @param file - The test file's `import.meta.url`.
 * @returns Exit code and output of that run.
 */
export function testUnderModernNode(file: string): { status: number | null; output: string } {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const { status, stdout, stderr, error } = spawnSync(
    modernNode(),
    [vitest, 'run', '--root', root, fileURLToPath(file)],
    // Colour codes would make the output hard to search for words.
    { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined } },
  )
  if (error !== undefined) throw error
  return { status, output: `${stdout}${stderr}` }
}
