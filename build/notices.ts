// The licences of the packages inside a bundle, in full, as their terms require of anyone who distributes them.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { packageOf } from './sizes.ts'

/**
 * @returns One text, in the order of the packages' names; empty when the bundle holds no package.
 * @throws When a package in the bundle has no licence file: it must not be shipped before its terms were looked up.
 */
export function noticesFor(metafile: Metafile, root: string): string {
  const folders = new Set<string>()
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = packageOf(path)?.folder
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
  }
  return [...folders]
    .sort()
    .map((folder) => notice(join(root, folder)))
    .join('\n')
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  const file = existsSync(folder) && readdirSync(folder).find((each) => /^licen[cs]e(\.\w+)?$/i.test(each))
  if (!file) throw new Error(`Cannot ship ${name}: ${folder} has no licence file`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}
