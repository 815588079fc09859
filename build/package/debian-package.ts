// A .deb out of files and what is said of them, by dpkg-deb(1): deb-control(5), deb-conffiles(5).

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileTree } from './file-tree.ts'

export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: 'arm64' | 'all'
  readonly depends: readonly string[]
  readonly files: FileTree
  /** preinst, postinst and so on: their text by their name. */
  readonly scripts: Readonly<Record<string, string>>
  /** Absolute paths. */
  readonly conffiles: readonly string[]
}

/** Of the package's whole life. `small` takes half a minute for a Node.js, `quick` two seconds. */
export type Compression = 'small' | 'quick'
const compressions: Readonly<Record<Compression, readonly string[]>> = {
  // One thread: with more, how the stream is cut depends on the machine.
  small: ['-Zxz', '-z6', '--threads-max=1'],
  quick: ['-Zgzip', '-z1'],
}

/** Writes `NAME_VERSION_ARCHITECTURE.deb` into `folder`. @returns Its path. */
export function writeDebianPackage(
  folder: string,
  wanted: DebianPackage,
  dateMs: number,
  compression: Compression,
): string {
  const { name, version, architecture, files, scripts, conffiles } = wanted
  const staged = mkdtempSync(join(tmpdir(), 'sonde-deb-'))
  const path = join(folder, `${name}_${version}_${architecture}.deb`)
  try {
    files.write(staged, dateMs)
    const control = new FileTree()
    control.add('DEBIAN/control', controlText(wanted))
    control.add('DEBIAN/md5sums', files.md5sums())
    control.add('DEBIAN/conffiles', conffiles.map((each) => `${each}\n`).join(''))
    for (const [script, text] of Object.entries(scripts)) control.add(`DEBIAN/${script}`, text, 0o755)
    control.write(staged, dateMs)
    const how = [...compressions[compression], '--root-owner-group', '--build', staged, path]
    execFileSync('dpkg-deb', how, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(dateMs / 1000)) },
    })
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
  return path
}

function controlText({ name, version, architecture, depends, files }: DebianPackage): string {
  return `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${files.installedKib()}
Depends: ${depends.join(', ')}
Section: net
Priority: optional
Description: network probe agent for networks that may be hostile
 Sonde measures on a schedule which sites, services and resolvers can be
 reached from this device, keeps what it found through power cuts, signs it,
 and sends it to a collector by whichever way is open.
 .
 Nothing is measured before the host of the device has agreed.
`
}

/** There is no mailbox: the name of a package's maintainer needs one in its form. */
export const maintainer = 'The Sonde developers <sonde@localhost.localdomain>'
