// The Node.js of the package for arm64, as the npm registry has it: pinned by its lock file, not compiled, no part of what `npm ci`
// installs. `npm run package` brings it.
//
// 26, because it is in long-term support until April 2029 and does not leak certificates (docs/node-leak.md), while 24 has less
// time left and is no smaller in what counts: see docs/benchmarks.md.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./runtime/node_modules/node26-arm64', import.meta.url))

export interface Runtime {
  readonly version: string
  /** Path of the program. */
  readonly program: string
  readonly licence: string
}

/** @returns null where it was not brought. */
export function arm64Runtime(): Runtime | null {
  const program = join(folder, 'bin', 'node')
  if (!existsSync(program)) return null
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { version, program, licence: readFileSync(join(folder, 'LICENSE'), 'utf8') }
}
