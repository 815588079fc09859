// What there is to begin with: files of this folder and files that are out, the newest of each role. Pure.

import { type Metadata, type Root, readMetadata, type Targets } from '../../tests-spec/lists/tuf/metadata.ts'
import { metadataName, targetName } from '../../tests-spec/lists/tuf/paths.ts'
import { newestByRole } from '../../tests-spec/lists/tuf/walk.ts'

export type Files = ReadonlyMap<string, Uint8Array>

export interface State {
  readonly root: Metadata<Root>
  /** By role, `targets` among them. */
  readonly roles: ReadonlyMap<string, Metadata<Targets>>
  readonly files: Files
}

/**
 * @param local - Of this folder.
 * @param out - What is published, verified; of the same version it counts.
 * @throws {Refused} `malformed` for a file that cannot be read.
 */
export function stateOf(local: Files, out: Files = new Map()): State {
  const files = new Map([...local, ...out])
  let root: Metadata<Root> | null = null
  const roles = new Map<string, Metadata<Targets>>()
  for (const [role, { bytes }] of newestByRole(files)) {
    if (role === 'root') root = readMetadata(bytes, 'root')
    else if (role !== 'snapshot' && role !== 'timestamp') roles.set(role, readMetadata(bytes, 'targets'))
  }
  if (root === null) throw new TypeError('Cannot begin without a root')
  return { root, roles, files }
}

/** The content of a target, and which role speaks of it; null when none does. */
export function contentOf({ roles, files }: State, role: string, path: string): Uint8Array | null {
  const target = roles.get(role)?.signed.targets.get(path)
  if (target === undefined) return null
  return files.get(contentName(path, target.hashes.get('sha256') ?? null)) ?? null
}

export function groupsOf({ roles }: State): readonly string[] {
  return (roles.get('targets')?.signed.delegations ?? []).map(({ name }) => name)
}

export function rootName(version: number): string {
  return `metadata/${metadataName('root', version)}`
}

export function roleName(role: string, version: number): string {
  return `metadata/${metadataName(role, version)}`
}

export function contentName(path: string, sha256: string | null): string {
  return `targets/${targetName(path, sha256)}`
}

/** What is worth keeping: every root, of all else the newest, and their contents. */
export function keptFiles(state: State): Files {
  return parcel(state, new Map())
}

/**
 * What must be sent to one who has these versions: every root, and what is newer than they are.
 *
 * @param versions - By role; 0, or absent, for none.
 */
export function parcel(state: State, versions: ReadonlyMap<string, number>): Files {
  const { files, roles } = state
  // A group that is no more has files from before, which no delegation names.
  const named = new Set(['targets', ...groupsOf(state)])
  const names = [...files.keys()].filter((name) => name.endsWith('.root.json'))
  for (const [role, { signed }] of roles) {
    if (!named.has(role) || signed.version <= (versions.get(role) ?? 0)) continue
    names.push(roleName(role, signed.version))
    for (const [path, { hashes }] of signed.targets)
      names.push(contentName(path, hashes.get('sha256') ?? null))
  }
  return new Map(names.flatMap((name) => (files.has(name) ? [[name, files.get(name) as Uint8Array]] : [])))
}
