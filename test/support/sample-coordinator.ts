// A coordinator's laptop and the collector that it publishes to: the built programs, on a real folder and a real socket.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modernNode } from '../../build/modern-node.ts'
import {
  cleanEnvironment,
  collectorBundle,
  type Ended,
  type RunningCollector,
  runToEnd,
  startCollector,
  temporaryFolder,
} from './processes.ts'
import { root } from './source-tree.ts'

export const coordinatorBundle = join(root, 'dist', 'sonde-coordinator.mjs')
const passphrase = 'five words nobody else knows'

export class SampleCoordinator {
  readonly home: string
  readonly dir: string
  readonly collectorState: string
  readonly passphraseFile: string

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), 'sonde-laptop-'))
    this.dir = join(this.home, 'lists')
    this.collectorState = temporaryFolder('collector')
    this.passphraseFile = this.file('passphrase', `${passphrase}\n`)
  }

  file(name: string, text: string): string {
    const path = join(this.home, name)
    writeFileSync(path, text)
    return path
  }

  /** A table with one row for each URL. */
  list(name: string, rows: readonly (readonly [url: string, category: string])[]): string {
    const head = 'url,category_code,category_description,date_added,source,notes'
    const lines = rows.map(([url, category]) => `${url},${category},,2026-11-01,us,`)
    return this.file(name, `${[head, ...lines].join('\n')}\n`)
  }

  get listsKeys(): string {
    const argv = [collectorBundle, 'lists-keys', '--state', this.collectorState]
    return execFileSync(modernNode(), argv, { encoding: 'utf8', env: cleanEnvironment() }).trim()
  }

  /** Gives a command, in English, about this folder. */
  say(...argv: string[]): Promise<Ended> {
    return runToEnd(process.execPath, [coordinatorBundle, ...argv, '--dir', this.dir], { LC_ALL: 'C' })
  }

  /** With the passphrase, and without questions. */
  sign(...argv: string[]): Promise<Ended> {
    return this.say(...argv, '--passphrase-file', this.passphraseFile, '--yes')
  }

  init(...groups: string[]): Promise<Ended> {
    const each = groups.flatMap((name) => ['--group', name])
    return this.sign('init', '--lists-keys', this.listsKeys, '--work-factor', '10', ...each)
  }

  startCollector(...further: string[]): Promise<RunningCollector> {
    return startCollector(this.collectorState, ['--lists-root', join(this.dir, '1.root.json'), ...further])
  }

  get rootDigest(): string {
    return createHash('sha256')
      .update(readFileSync(join(this.dir, '1.root.json')))
      .digest('hex')
  }
}
