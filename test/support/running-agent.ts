// `sonde run` as a process, and the lines of its log.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { agentBundle, cleanEnvironment } from './processes.ts'

export interface RunningAgent {
  readonly pid: number
  readonly lines: readonly string[]
  /** Resolves once a line with that code came after the first `after` lines. */
  says(code: string, after?: number): Promise<string>
  /** @returns The exit code. */
  stop(): Promise<number | null>
  /** @returns The exit code, once it ends by itself. */
  ended(): Promise<number | null>
}

export function runningAgent(
  state: string,
  further: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningAgent {
  const child = spawn(process.execPath, [agentBundle, 'run', '--state', state, ...further], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...cleanEnvironment(), ...env },
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    for (const look of waiting) look()
  })
  return {
    pid: child.pid ?? 0,
    lines,
    says: (code, after = 0) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = lines.slice(after).find((each) => each.includes(code))
          if (line !== undefined) resolve(line)
        }
        waiting.add(look)
        child.once('exit', () => reject(new Error(lines.join('\n'))))
        look()
      }),
    async stop() {
      child.kill('SIGTERM')
      return ended
    },
    ended: () => ended,
  }
}
