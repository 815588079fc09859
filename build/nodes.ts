// The Node.js binaries that npm brought as optional packages, one for each version the agent must run on.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Debian's, the two in maintenance, and the newest: what devices have. */
const majors = ['20', '22', '24', '26'] as const

export interface InstalledNode {
  /** `20`, `22` … */
  readonly major: string
  readonly path: string
}

/** @returns Those that are there: all on x64 Linux, none where npm was told to leave optional packages out. */
export function installedNodes(): InstalledNode[] {
  return majors
    .map((major) => ({ major, path: join(root, 'node_modules', `node${major}`, 'bin', 'node') }))
    .filter(({ path }) => existsSync(path))
}
