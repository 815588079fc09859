// The built agent with a person at it who types lines into a pipe.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { agentBundle, cleanEnvironment, type Ended } from './processes.ts'

/** Runs a command to its end, with these lines as its input. */
export async function talk(
  argv: readonly string[],
  lines: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [agentBundle, ...argv], { env: { ...cleanEnvironment(), ...env } })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(lines.map((line) => `${line}\n`).join(''))
  const [code] = await once(child, 'close')
  return { code, ...said }
}
