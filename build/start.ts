// `npm start`: the whole of Sonde on this machine. Builds the programs, makes keys for lists, starts a collector on loopback that
// publishes them, enrols this machine as a probe, and measures until Ctrl-C. State stays in .sonde/ of this checkout, so that a
// second start goes on where the first one stopped. `--dir` and `--core` choose another folder and core list, for tests.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { modernNode } from './modern-node.ts'
import { listsFolderIn, makeLists, publishLists, startGroup, usualFolder } from './start-lists.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: given } = parseArgs({ options: { dir: { type: 'string' }, core: { type: 'string' } } })
const folder = given.dir ?? usualFolder
const collectorState = join(folder, 'collector')
const agentState = join(folder, 'agent')
const listsRoot = join(listsFolderIn(folder), '1.root.json')
/** The port is fixed, so that the address stays the same from start to start; SONDE_START_PORT chooses another. */
const port = process.env.SONDE_START_PORT ?? '8037'

async function main(): Promise<number> {
  console.log(
    'En tapant cette commande, vous acceptez que cette machine mesure la liste de base, jusqu’à Ctrl-C.\nBy typing this you agree that this machine measures the core list, until Ctrl-C.',
  )
  const node = modernNode()
  mkdirSync(collectorState, { recursive: true, mode: 0o700 })
  execFileSync(process.execPath, ['--import', 'tsx', join(root, 'build', 'bundle.ts'), '--quiet'], {
    stdio: 'inherit',
    cwd: root,
  })
  makeLists(folder, collectorState, node, given.core ?? null)
  const collector = spawn(
    node,
    [
      join(root, 'dist', 'sonde-collector.mjs'),
      ...['serve', '--state', collectorState, '--port', port, '--lists-root', listsRoot],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C stops the agent first; the collector takes the agent's last batch and is stopped after it.
      detached: true,
    },
  )
  const url = await listeningAt(collector)
  enrolOnce(node, url)
  publishLists(folder, url, agentState)
  console.log(
    `\nDashboard: ${url}/\nMeasuring this machine's link. Ctrl-C stops.\nTo measure more, in another terminal: npm run push -- tests-spec/lists/mali.csv\n`,
  )
  const agent = spawn(
    process.execPath,
    [join(root, 'dist', 'sonde.mjs'), 'run', '--table', '--state', agentState],
    {
      stdio: 'inherit',
      env: {
        SONDE_LOG_LEVEL: 'warn',
        // Also of a machine that was enrolled before there were lists.
        SONDE_LISTS_ROOT: listsRoot,
        SONDE_GROUPS: JSON.stringify([startGroup]),
        // The person who pushes waits, and loopback costs nothing.
        SONDE_LISTS_EVERY_MINUTES: '1',
        ...process.env,
        // By typing this a person agrees for their own machine, as the first line says.
        SONDE_HOST_AGREED: 'true',
      },
    },
  )
  // The terminal sends Ctrl-C to the agent too; this process must only not end before the agent.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => agent.kill('SIGTERM'))
  const code = await exitOf(agent)
  collector.kill('SIGTERM')
  await exitOf(collector)
  console.log(
    code === 0 ? 'Stopped. Everything measured is kept in .sonde/.' : `The agent ended with code ${code}.`,
  )
  return code
}

/**
 * @returns The collector's address, from the line that it prints when it listens. Rejects with the collector's output
 * if it dies.
 */
function listeningAt(collector: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = []
    if (collector.stdout === null || collector.stderr === null)
      throw new TypeError('The collector has no output to read')
    createInterface({ input: collector.stderr }).on('line', (line) => said.push(line))
    createInterface({ input: collector.stdout }).on('line', (line) => {
      if (line.includes('"listening"')) resolve(String(JSON.parse(line).url))
    })
    collector.once('exit', (code) => {
      const hint = said.some((line) => line.includes('EADDRINUSE'))
        ? `\nPort ${port} is taken: choose another with SONDE_START_PORT=8038 npm start`
        : ''
      reject(new Error(`The collector ended with code ${code}:\n${said.join('\n')}${hint}`))
    })
  })
}

/**
 * A token is made only while the agent and the collector do not know each other: at the first start, or when the
 * state of one was removed.
 */
function enrolOnce(node: string, url: string): void {
  const known =
    existsSync(join(collectorState, 'probes')) && readdirSync(join(collectorState, 'probes')).length > 0
  if (existsSync(join(agentState, 'enrolment.json')) && known) return
  const token = execFileSync(
    node,
    [join(root, 'dist', 'sonde-collector.mjs'), 'token', '--state', collectorState],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  ).trim()
  execFileSync(
    process.execPath,
    [join(root, 'dist', 'sonde.mjs'), 'enrol', url, token, '--state', agentState],
    {
      stdio: 'inherit',
    },
  )
}

function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
