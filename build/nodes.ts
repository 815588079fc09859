// The Node.js binaries that the agent is tried on, one for each version that devices have. Node 24 comes with the packages
// of the repository, since `npm start` needs it under an older system's; `npm run nodes` brings the others into
// build/nodes, half a gigabyte that only tests want.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const aside = join(root, 'build', 'nodes')

/** Debian's, the two in maintenance, and the newest, with where npm puts each. */
const places = { 20: aside, 22: aside, 24: root, 26: aside } as const
type Major = keyof typeof places
const majors = [20, 22, 24, 26] as const satisfies readonly Major[]

export interface InstalledNode {
  /** `20`, `22` … */
  readonly major: string
  readonly path: string
}

const nodeOf = (major: Major): InstalledNode => ({
  major: String(major),
  path: join(places[major], 'node_modules', `node${major}`, 'bin', 'node'),
})

/** @returns Those that are there. */
export function installedNodes(): InstalledNode[] {
  return majors.map(nodeOf).filter(({ path }) => existsSync(path))
}

/** @returns The versions that are not there, for a test that would like to run on them. */
export function missingNodes(): string[] {
  return majors.filter((major) => !existsSync(nodeOf(major).path)).map(String)
}
