// Child processes of the benchmark: one that prints a line and then serves, and one that runs to its end.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Certificate } from './certificate.ts'
import type { TargetPorts } from './target.ts'

export interface Target extends TargetPorts {
  readonly process: ChildProcess
}

/** Starts the target and waits for its ports. The caller kills the process. */
export async function startTarget({ key, chain }: Certificate): Promise<Target> {
  const path = fileURLToPath(new URL('target.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', path, key, chain], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { process: child, ...(JSON.parse(await firstLine(child)) as TargetPorts) }
}

/** @throws When the process ends without printing a line. */
async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('Cannot listen to a process without a pipe')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('The target ended before it said its ports')
}

/** @returns What the process printed. Its stderr goes to ours. */
export function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
    child.stderr?.pipe(process.stderr)
  })
}

/** The median: it does not move when the machine is now and then busy with other work. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
