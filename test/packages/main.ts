// `npm run test:packages`: the packages in a Debian of their own. Ends with 77 where none can be made here, or no mirror be reached;
// arguments are vitest's.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from '../support/source-tree.ts'
import { Base, whyNoChroot } from './chroot.ts'

function main(further: readonly string[]): number {
  const why = whyNoChroot()
  if (why !== null) return cannot(why)
  let base: Base
  try {
    base = Base.make()
  } catch (error) {
    return cannot(error instanceof Error ? error.message.slice(-2_000) : String(error))
  }
  try {
    const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
    const config = join(root, 'test/packages/vitest.config.ts')
    const argv = [vitest, 'run', '--config', config, '--root', root, ...further]
    const env = { ...process.env, DEBIAN_BASE: base.folder }
    return spawnSync(process.execPath, argv, { cwd: root, env, stdio: 'inherit' }).status ?? 1
  } finally {
    base.remove()
  }
}

function cannot(why: string): number {
  console.error(`No Debian can be made here to try packages in: ${why}`)
  return 77
}

process.exitCode = main(process.argv.slice(2))
