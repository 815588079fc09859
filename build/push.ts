// `npm run push -- FILE`: pushes a list to the machine that `npm start` measures from, with the keys under `.sonde/`. The same as
// `sonde-coordinator push FILE --group here` there.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listsFolderIn, passphraseIn, startGroup, usualFolder } from './start-lists.ts'

const program = fileURLToPath(new URL('../dist/sonde-coordinator.mjs', import.meta.url))

if (existsSync(listsFolderIn(usualFolder))) {
  const argv = [
    ...['push', ...process.argv.slice(2), '--group', startGroup, '--dir', listsFolderIn(usualFolder)],
    ...['--passphrase-file', passphraseIn(usualFolder)],
  ]
  process.exitCode = spawnSync(process.execPath, [join(program), ...argv], { stdio: 'inherit' }).status ?? 1
} else {
  console.error('There is nothing to push to yet: npm start, in another terminal, first.')
  process.exitCode = 1
}
