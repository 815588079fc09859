// `npm run ooni`: OONI's own loader reads our plain forms, and the queries of docs/data.md run as they are written.
//
// Makes a virtual environment with requirements.txt in coverage/ooni if it is not there, writes the plain forms of the
// golden samples and of a laboratory, and hands them to load.py. Ends with 77 where Python or its packages cannot be had,
// as test programs say "not run".

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from '../support/source-tree.ts'
import { exportFiles, measureInto, printedFile } from './laboratory.ts'

const notRun = 77
const here = join(root, 'test', 'ooni')
const folder = join(root, 'coverage', 'ooni')
const environment = join(folder, 'environment')
const programs = join(environment, 'bin')
const requirements = readFileSync(join(here, 'requirements.txt'), 'utf8')
/** What the environment was made from: another list is another environment. */
const madeFrom = join(environment, 'made-from.txt')

function run(command: string, args: readonly string[], path = process.env.PATH): number {
  const env = { ...process.env, PATH: path }
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', env }).status ?? 1
}

/** @returns What it complained of, or null when all went well. */
function complaint(command: string, args: readonly string[]): string | null {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) return error.message
  return status === 0 ? null : (`${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? `ended with ${status}`)
}

/** @returns Why there is no environment; null when there is one. */
function makeEnvironment(): string | null {
  if (existsSync(madeFrom) && readFileSync(madeFrom, 'utf8') === requirements) return null
  rmSync(environment, { recursive: true, force: true })
  const tooOld = 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is wanted")'
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
  const why =
    complaint('python3', ['-c', tooOld]) ??
    complaint('python3', ['-m', 'venv', environment]) ??
    complaint(join(programs, 'python'), [...install, '-r', join(here, 'requirements.txt')])
  if (why === null) writeFileSync(madeFrom, requirements)
  else rmSync(environment, { recursive: true, force: true })
  return why
}

mkdirSync(folder, { recursive: true })
const missing = makeEnvironment()
if (missing !== null) {
  process.stdout.write(`OONI's loader did not run: no Python with its packages here (${missing})\n`)
  process.exit(notRun)
}

await measureInto(folder)
const lines = [exportFiles.jsonl, exportFiles.kept, printedFile].map((file) => join(folder, file))
const records = join(folder, 'records.jsonl')
const written = run('npx', ['tsx', join(here, 'records.ts'), records, ...lines])
const queries = run('npx', ['vitest', 'run', 'test/ooni'], `${programs}${delimiter}${process.env.PATH}`)
// Last, since its last line is the one that says how much was read.
const loaded = written === 0 ? run(join(programs, 'python'), [join(here, 'load.py'), records]) : written
process.exit(loaded !== 0 ? loaded : queries)
