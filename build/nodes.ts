// The Node.js binaries that the agent is tested with, one for each version that devices have. Node 24 comes with the
// packages of the repository, since `npm start` needs it where the system's is older; `npm run nodes` puts the others
// into build/nodes, half a gigabyte that only tests need.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const aside = join(root, 'build', 'nodes')

/** Debian's version, the two in maintenance, and the newest, with the folder where npm puts each. */
const places = { 20: aside, 22: aside, 24: root, 26: aside } as const
type Major = keyof typeof places
const majors = [20, 22, 24, 26] as const satisfies readonly Major[]

export interface InstalledNode {
  /** Major version: `20`, `22` … */
  readonly major: string
  readonly path: string
}

const nodeOf = (major: Major): InstalledNode => ({
  major: String(major),
  path: join(places[major], 'node_modules', `node${major}`, 'bin', 'node'),
})

/** @returns The versions that are installed. */
export function installedNodes(): InstalledNode[] {
  return majors.map(nodeOf).filter(({ path }) => existsSync(path))
}

/** @returns The versions that are not installed, for a test that would like to run on them. */
export function missingNodes(): string[] {
  return majors.filter((major) => !existsSync(nodeOf(major).path)).map(String)
}
