// `npm run package`: what a release is made of, in dist/packages: two .deb, the archive for Termux, what is inside, and checksums.
// Two builds of one commit are the same to the byte: test/packages compares them.

import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildDateMs, bundle, packageVersion, root, standalone } from '../bundle.ts'
import { agentPackage, type Edition } from './agent-files.ts'
import { billOfMaterials } from './bill-of-materials.ts'
import { type Compression, writeDebianPackage } from './debian-package.ts'
import { arm64Runtime, type Runtime } from './runtime.ts'
import { writeTermuxArchive } from './termux-archive.ts'

/**
 * Writes everything into `folder`, which is emptied first. Wants dist/ to be built.
 * @param runtime - For the package that brings its own; null leaves that package out.
 * @returns Names of the files.
 */
export async function writePackages(
  folder: string,
  edition: Edition,
  compression: Compression,
  runtime: Runtime | null,
): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const each of runtime === null ? [null] : [null, runtime])
    writeDebianPackage(folder, agentPackage(edition, each), edition.dateMs, compression)
  writeTermuxArchive(folder, edition)
  const { metafile } = await inTemporaryFolder((aside) =>
    bundle('agent/main.ts', join(aside, 'sonde.mjs'), standalone),
  )
  writeFileSync(
    join(folder, `sonde-${edition.version}.cdx.json`),
    billOfMaterials(metafile, runtime, edition.dateMs),
  )
  const names = readdirSync(folder).sort()
  writeFileSync(join(folder, 'SHA256SUMS'), names.map((name) => sumLine(folder, name)).join(''))
  return [...names, 'SHA256SUMS']
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-package-'))
  return work(folder).finally(() => rmSync(folder, { recursive: true, force: true }))
}

function sumLine(folder: string, name: string): string {
  return `${createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex')}  ${name}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(root, 'dist', 'packages')
  const edition = { version: packageVersion(), dateMs: buildDateMs() }
  const runtime = arm64Runtime()
  for (const name of await writePackages(folder, edition, 'small', runtime)) {
    console.log(`${String(statSync(join(folder, name)).size).padStart(10)}  dist/packages/${name}`)
  }
  if (runtime === null) console.warn('package: no Node.js for arm64 is here, so that its package is left out')
}
