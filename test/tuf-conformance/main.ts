// `npm run test:tuf-conformance FOLDER`: the public conformance suite of TUF, checked out in FOLDER, runs the device's own
// update. README.md says what it is and what is expected.
//
// Works on a copy in coverage/tuf-conformance, with a Python environment of its own, and ends with 77 where one of them
// cannot be had, as test programs say "not run".

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { nodeProgram } from '../support/node-program.ts'
import { root } from '../support/source-tree.ts'

const notRun = 77
const here = join(root, 'test', 'tuf-conformance')
const folder = join(root, 'coverage', 'tuf-conformance')
const suite = join(folder, 'suite')
const environment = join(folder, 'environment')
const client = join(folder, 'client.mjs')

/** @returns What it complained of, or null when all went well. */
function complaint(command: string, args: readonly string[]): string | null {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) return error.message
  return status === 0 ? null : (`${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? `ended with ${status}`)
}

/** @returns Why the suite cannot run; null when it can. */
function prepare(checkout: string): string | null {
  const simulator = join(suite, 'tuf_conformance', '_internal', 'repository_simulator.py')
  if (!existsSync(join(checkout, 'tuf_conformance'))) return `the suite is not in ${checkout}`
  // The suite's runner takes a command apart at blanks.
  if (client.includes(' ')) return `there is a blank in the path ${client}`
  rmSync(suite, { recursive: true, force: true })
  cpSync(checkout, suite, { recursive: true })
  const [inEcdsa, inEd25519] = [
    '"ecdsa", scheme: str = "ecdsa-sha2-nistp256"',
    '"ed25519", scheme: str = "ed25519"',
  ]
  const text = readFileSync(simulator, 'utf8')
  if (!text.includes(inEcdsa)) return 'its default signer is not where it was: see README.md'
  writeFileSync(simulator, text.replace(inEcdsa, inEd25519))
  const python = join(environment, 'bin', 'python')
  return (
    complaint('faketime', ['2027-01-01', 'true']) ??
    (existsSync(python) ? null : complaint('python3', ['-m', 'venv', environment])) ??
    complaint(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--editable', suite])
  )
}

mkdirSync(folder, { recursive: true })
const why = prepare(resolve(process.argv[2] ?? 'tuf-conformance'))
if (why !== null) {
  process.stdout.write(`The conformance suite did not run: ${why}\n`)
  process.exit(notRun)
}

await build({
  entryPoints: [join(here, 'client.ts')],
  outfile: client,
  ...nodeProgram,
  banner: { js: `#!/usr/bin/env node\n${nodeProgram.banner.js}` },
})
chmodSync(client, 0o755)
copyFileSync(join(here, 'client.xfails'), `${client}.xfails`)
const pytest = ['-m', 'pytest', 'tuf_conformance', '--entrypoint', client, '-q']
const { status } = spawnSync(join(environment, 'bin', 'python'), pytest, { cwd: suite, stdio: 'inherit' })
process.exit(status ?? 1)
