// What is said of a folder's disk, and that finding it out leaves no trace.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { whyByMountInfo, whyUnwritable } from './why-unwritable.ts'

it('whyUnwritable() says nothing against a folder that is well, and writes nothing there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-unwritable-'))
  const before = statSync(folder, { bigint: true })
  expect(whyUnwritable(folder)).toBeNull()
  expect(readdirSync(folder)).toEqual([])
  const { mtimeNs, ctimeNs } = statSync(folder, { bigint: true })
  expect([mtimeNs, ctimeNs]).toEqual([before.mtimeNs, before.ctimeNs])
})

/** Runs in a mount namespace of its own, where any user may mount if the system allows user namespaces. */
function underMount(options: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-unwritable-'))
  const script = `mount -t tmpfs -o ${options} none "$1" && exec "$0" --import tsx -e "$2"`
  const program = `import { whyUnwritable } from './agent/platform/why-unwritable.ts'
    console.log(whyUnwritable(${JSON.stringify(folder)}))`
  const argv = ['-rm', 'sh', '-c', script, process.execPath, folder, program]
  return spawnSync('unshare', argv, { encoding: 'utf8' }).stdout.trim()
}

const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
if (!canMount)
  console.error('\n\n  NO DISK WAS LOOKED AT THAT IS READ-ONLY OR FULL: nobody may mount here.\n\n')
it.skipIf(!canMount).each([
  ['ro', 'read_only'],
  ['size=4k', 'full'],
  ['size=64k,nr_inodes=1', 'full'],
  ['size=64k', 'null'],
])('whyUnwritable() tells a disk mounted with %s', (options, why) => {
  expect(underMount(options)).toBe(why)
})

const mounts = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
30 22 8:2 / /var rw - ext4 /dev/sda2 ro
31 22 8:3 / /media/my\\040stick ro - vfat /dev/sdb1 rw
32 30 8:4 / /var/lib rw,nosuid master:2 - xfs /dev/sdc rw,shutdown
33 30 8:5 / /var/log rw - ext4 /dev/sdd ro
34 33 8:6 / /var/log rw - tmpfs none rw
35 22 8:7 / /opt rw - ext4 /dev/sde rw,emergency_ro`

it.each([
  ['/home/pi', null],
  ['/var', 'read_only'],
  ['/variety', null],
  ['/media/my stick/x', 'read_only'],
  ['/var/lib/sonde', 'failing'],
  ['/var/log', null],
  ['/opt/sonde', 'read_only'],
])('whyByMountInfo() says of %s: %s', (path, why) => {
  expect(whyByMountInfo(mounts, path)).toBe(why)
})

it.each(['', 'garbage', 'a - b'])('whyByMountInfo() makes nothing of "%s"', (text) => {
  expect(whyByMountInfo(text, '/')).toBeNull()
})
