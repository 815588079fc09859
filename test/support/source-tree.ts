// The files of this repository as values, for the tests about the files themselves.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folders and files that a tool or git made, to which our rules do not apply. */
const notOurs: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', '.git', '.sonde'])

export interface SourceFile {
  /** Path from the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
}

/** Walks the folders instead of asking git, so that the rules already apply to a file that is not added yet. */
export function filesEndingIn(extension: string): SourceFile[] {
  return readdirSync(root, { withFileTypes: true, recursive: false })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? below(entry.name) : [entry.name]))
    .filter((path) => path.endsWith(extension))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

function below(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (notOurs.has(entry.name)) return []
    return entry.isDirectory() ? below(path) : [path]
  })
}
