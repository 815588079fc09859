// The lab as a test sees it: start one, set a policy, run the agent on a device, stop it. Any number side by side.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { modernNode } from '../../build/modern-node.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Ended } from '../support/processes.ts'
import { agentBundle } from '../support/processes.ts'
import { caFile, type LabKeys } from './keys.ts'
import type { Equipment, Order } from './labd.ts'
import { labList } from './list.ts'
import type { Rule } from './policy.ts'
import { labPrograms } from './programs.ts'
import { type IspKey, isps } from './topology.ts'

const rootless = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
const sandbox = [
  ...rootless,
  ...['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL', '--mount-proc'],
]
/** Programs and what brings them. */
const needed = {
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  python3: 'python3',
  openssl: 'openssl',
}

/** @returns Why no lab can be opened on this machine, in a sentence; null when one can. */
export function whyNoLab(): string | null {
  const missing = Object.entries(needed).filter(
    ([program]) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`]).status !== 0,
  )
  if (missing.length > 0)
    return `apt-get install ${missing.map(([, name]) => name).join(' ')} brings what it needs`
  const { status, stderr } = spawnSync('unshare', [...sandbox, 'true'], { encoding: 'utf8' })
  return status === 0 ? null : `network namespaces are not available here: ${stderr.trim()}`
}

export interface Run {
  readonly isp: IspKey
  /** By the device that hangs on both lines, over that of `isp`. */
  readonly onBothLines?: boolean
  /** By the device without IPv4, on the line of `m`. */
  readonly onlyIpv6?: boolean
  /** With the helpers of the other country. */
  readonly abroad?: boolean
  /** null: every entry of the list. */
  readonly input: string | null
  /** In place of the usual list's. */
  readonly list?: Partial<TestList>
  readonly repeatAfterSeconds?: number
  /** Seconds that the device's clock is ahead. Needs libfaketime. */
  readonly clockAheadSeconds?: number
  readonly clockSynced?: boolean
}

export class Lab {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #last = 0
  #ended = false
  #runs = 0

  private constructor(keys: LabKeys) {
    const { labd, boxes } = labPrograms()
    // Only SIGKILL or the end of stdin stop `unshare --fork`; it blocks SIGTERM and SIGINT.
    this.#child = spawn('unshare', [...sandbox, modernNode(), '--input-type=module', '--eval', labd], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    })
    // A lab that has died says so by its exit.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdin?.write(`${JSON.stringify({ keys, boxes } satisfies Equipment)}\n`)
    let said = ''
    this.#child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    this.#child.once('exit', () => {
      this.#ended = true
      for (const { reject } of this.#waiting.values()) reject(new Error(`The lab ended: ${said}`))
    })
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line))
  }

  /** @param keys - From `makeKeys()`; labs may share them. */
  static async start(keys: LabKeys): Promise<Lab> {
    const lab = new Lab(keys)
    await new Promise((resolve, reject) => lab.#waiting.set(0, { resolve, reject }))
    return lab
  }

  /** Process of the sandbox, seen from outside it. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Whether it is gone, and every order to it fails. */
  hasEnded(): boolean {
    return this.#ended
  }

  /** Puts `rules` in the place of the rules before. */
  async policy(isp: IspKey, rules: readonly Rule[]): Promise<void> {
    await this.order({ do: 'policy', policy: { isp, rules } })
  }

  /** One `sonde once` on the device of a provider, in a state folder of its own. */
  async sonde({ isp, input, list, repeatAfterSeconds = 1, ...run }: Run): Promise<Ended> {
    if (run.onlyIpv6) await this.order({ do: 'open', what: 'translator' })
    if (run.abroad) await this.order({ do: 'open', what: 'abroad' })
    const folder = `/run/lab/run-${++this.#runs}`
    const listFile = `${folder}/list.json`
    const configFile = `${folder}/config.json`
    const config = {
      test_list: listFile,
      extra_ca: [caFile],
      probe_cc: 'ML',
      probe_asn: isps[isp].asn,
      jitter_seconds: 0,
      repeat_after_seconds: repeatAfterSeconds,
      ...(run.onBothLines && { local_address: isps[isp].second }),
    }
    const argv = [process.execPath, agentBundle, 'once', ...(input === null ? [] : [input]), '--json']
    const ended = await this.order({
      do: 'exec',
      namespace: run.onlyIpv6 ? 'dev-6' : run.onBothLines ? 'dev-b' : `dev-${isp}`,
      resolverOf: isp,
      argv: [...argv, '--state', `${folder}/state`, '--config', configFile],
      env: clockEnvironment(run.clockAheadSeconds ?? 0),
      files: {
        [listFile]: JSON.stringify({ ...labList, ...list }),
        [configFile]: JSON.stringify(config),
      },
      ...(run.clockSynced !== undefined && { clockSynced: run.clockSynced }),
    })
    return ended as Ended
  }

  async order(order: Order): Promise<unknown> {
    // Nobody would answer.
    if (this.#ended) throw new Error('The lab has ended')
    const id = ++this.#last
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#child.stdin?.write(`${JSON.stringify({ id, ...order })}\n`)
    return answer
  }

  async stop(): Promise<void> {
    if (this.#ended) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin?.end()
    await gone
  }

  #take(line: string): void {
    const { id, value, error } = JSON.parse(line) as { id: number; value?: unknown; error?: string }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }
}

/**
 * For a program whose wall clock is ahead by so many seconds, or behind when negative. The monotonic clock stays true:
 * Node.js ends when it jumps.
 */
export function clockEnvironment(aheadSeconds: number): Record<string, string> {
  if (aheadSeconds === 0) return {}
  return {
    LD_PRELOAD: fakeTimeLibrary() ?? '',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME: `${aheadSeconds > 0 ? '+' : ''}${aheadSeconds}`,
  }
}

/** @returns null when it is not installed; `apt-get install faketime` brings it. */
export function fakeTimeLibrary(): string | null {
  const found = spawnSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketime.so.1'], { encoding: 'utf8' })
  return found.stdout.split('\n')[0] || null
}

function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('SONDE_') && !name.startsWith('VITEST') && name !== 'NODE_OPTIONS',
  )
  return { ...(Object.fromEntries(kept) as Record<string, string>), NO_COLOR: '1', NODE_NO_WARNINGS: '1' }
}
