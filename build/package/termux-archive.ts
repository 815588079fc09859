// The archive for Termux: what deploy/termux/install.sh unpacks on a phone. By GNU tar, told what of the machine to leave out.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root } from '../bundle.ts'
import type { Edition } from './agent-files.ts'
import { FileTree } from './file-tree.ts'

const from = join(root, 'deploy', 'termux')

/** Writes `sonde-termux-VERSION.tar.gz` and the script that installs it into `folder`. */
export function writeTermuxArchive(folder: string, { version, dateMs }: Edition): void {
  const files = new FileTree()
  files.copy('sonde-termux/sonde.mjs', join(root, 'dist', 'sonde.mjs'))
  files.copy('sonde-termux/LEGAL.txt', join(root, 'dist', 'sonde.mjs.LEGAL.txt'))
  files.copy('sonde-termux/LICENSE', join(root, 'LICENSE'))
  files.copy('sonde-termux/README.md', join(from, 'README.md'))
  files.copy('sonde-termux/boot', join(from, 'boot', 'sonde'), 0o700)
  for (const name of ['sonde', 'watchdog']) files.copy(`sonde-termux/${name}`, join(from, name), 0o700)
  const staged = mkdtempSync(join(tmpdir(), 'sonde-termux-'))
  try {
    files.write(staged, dateMs)
    const seconds = Math.floor(dateMs / 1000)
    const whole = [
      '--sort=name',
      `--mtime=@${seconds}`,
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--format=ustar',
    ]
    const tar = execFileSync('tar', [...whole, '-cf', '-', '-C', staged, 'sonde-termux'], {
      maxBuffer: 64 * 1024 * 1024,
    })
    writeFileSync(join(folder, `sonde-termux-${version}.tar.gz`), gzipSync(tar, { level: 9 }))
    copyFileSync(join(from, 'install.sh'), join(folder, 'install.sh'))
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
}
