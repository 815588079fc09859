// An agent whose wall clock is wrong, and jumps when a test says so: libfaketime under the built agent. The monotonic
// clock stays true, because Node.js ends when that jumps.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeTimeLibrary } from '../lab/lab.ts'
import { agentBundle, type Ended, temporaryFolder } from '../support/processes.ts'

export class WrongClock {
  readonly #file = join(temporaryFolder('clock'), 'offset')
  #aheadSeconds: number

  constructor(aheadSeconds: number) {
    this.#aheadSeconds = aheadSeconds
    this.#write()
  }

  /** Milliseconds it is ahead of the true time. */
  get aheadMs(): number {
    return this.#aheadSeconds * 1000
  }

  /** What every process under it sees at its next look. */
  jump(seconds: number): void {
    this.#aheadSeconds += seconds
    this.#write()
  }

  /** Runs the agent to its end. */
  async sonde(argv: readonly string[]): Promise<Ended> {
    const child: ChildProcess = spawn(process.execPath, [agentBundle, ...argv], {
      env: { ...process.env, NO_COLOR: '1', ...this.#environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [out, err] = ['', '']
    child.stdout?.on('data', (chunk) => {
      out += chunk
    })
    child.stderr?.on('data', (chunk) => {
      err += chunk
    })
    const [code] = await once(child, 'close')
    return { code, out, err }
  }

  #environment(): Record<string, string> {
    return {
      LD_PRELOAD: fakeTimeLibrary() ?? '',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
    }
  }

  /** By rename: half an offset is no number, and the process would end. A sign is needed also on 0. */
  #write(): void {
    writeFileSync(`${this.#file}.new`, `${this.#aheadSeconds < 0 ? '' : '+'}${this.#aheadSeconds}`)
    renameSync(`${this.#file}.new`, this.#file)
  }
}
