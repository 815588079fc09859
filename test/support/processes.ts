// The two programs as processes, as a user starts them: the built bundles, on real sockets and real folders.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { modernNode } from '../../build/modern-node.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const agentBundle = join(root, 'dist', 'sonde.mjs')
export const collectorBundle = join(root, 'dist', 'sonde-collector.mjs')

export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `sonde-${name}-`))
}

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a program to its end. */
export function runToEnd(
  node: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { ...cleanEnvironment(), ...env }, maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(node, argv, options, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
  })
}

export interface RunningCollector {
  readonly pid: number
  readonly url: string
  readonly state: string
  token(): Promise<string>
  /** The measurements that the collector holds, newest last, from its own export. */
  measurements(): Promise<CollectedMeasurement[]>
  stop(): Promise<void>
  kill(): Promise<void>
}

export interface CollectedMeasurement {
  readonly device: string
  readonly epoch: string
  readonly n: number
  readonly measurement: {
    readonly test_name: string
    readonly input: string | null
    readonly test_keys: Record<string, unknown>
  }
}

/**
 * @param state - An existing state folder to go on with.
 * @param further - Arguments beside the usual ones.
 * @param flags - Of Node.js.
 */
export async function startCollector(
  state: string = temporaryFolder('collector'),
  further: readonly string[] = [],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningCollector> {
  const port = further.includes('--port') ? [] : ['--port', '0']
  const child = spawn(
    modernNode(),
    [...flags, collectorBundle, 'serve', '--state', state, ...port, ...further],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...env },
    },
  )
  const url = await listeningAt(child)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    pid: child.pid ?? 0,
    url,
    state,
    async token() {
      const { out, err } = await runToEnd(modernNode(), [collectorBundle, 'token', '--state', state])
      if (!out.startsWith('sonde1-')) throw new Error(`No token: ${out} ${err}`)
      return out.trim()
    },
    async measurements() {
      const response = await fetch(`${url}/api/v1/measurements?format=kept&limit=10000`)
      const text = await response.text()
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/** Runs the agent's command line, under the Node.js that runs the tests. */
export function sonde(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return runToEnd(process.execPath, [agentBundle, ...argv], env)
}

function listeningAt(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    child.once('exit', (code) => reject(new Error(`The collector ended with ${code}: ${said}`)))
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"listening"')) resolve(String(JSON.parse(line).url))
    })
  })
}

/** Environment variables that a developer has set must not change what is tested. */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('SONDE_') && name !== 'NODE_OPTIONS' && name !== 'COLUMNS',
  )
  return { ...(Object.fromEntries(kept) as Record<string, string>), NO_COLOR: '1' }
}
