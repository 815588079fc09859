// The lists of `npm start`: keys of its own, made once under `.sonde/`, so that a push is shown with what a real one needs.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
export const usualFolder = join(root, '.sonde')
/** The group that this machine belongs to. */
export const startGroup = 'here'

export const listsFolderIn = (folder: string) => join(folder, 'lists')
/** A passphrase beside its keys guards nothing; these keys are trusted by this machine alone. */
export const passphraseIn = (folder: string) => join(folder, 'lists-passphrase')

/**
 * Makes keys and first lists where there are none.
 *
 * @param node - For the collector.
 * @param core - A file in place of the core list; null for the one that the programs carry.
 */
export function makeLists(folder: string, collectorState: string, node: string, core: string | null): void {
  if (existsSync(listsFolderIn(folder))) return
  const lines = execFileSync(
    node,
    [join(root, 'dist', 'sonde-collector.mjs'), 'lists-keys', '--state', collectorState],
    { encoding: 'utf8' },
  )
  writeFileSync(passphraseIn(folder), `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 })
  coordinator(folder, [
    ...['init', '--yes', '--group', startGroup, '--lists-keys', lines.trim(), '--work-factor', '14'],
    ...['--passphrase-file', passphraseIn(folder), ...(core === null ? [] : ['--core', core])],
  ])
}

/** To the collector goes what it does not have, and what it has published to the device, before it measures anything. */
export function publishLists(folder: string, url: string, agentState: string): void {
  coordinator(folder, ['publish', '--to', url])
  const stick = join(folder, 'stick')
  mkdirSync(stick, { recursive: true })
  coordinator(folder, ['publish', '--to', join(stick, 'lists.slr')])
  execFileSync(
    process.execPath,
    [join(root, 'dist', 'sonde.mjs'), 'import-receipts', stick, '--state', agentState],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
}

/** Quietly: what it says is for one who gave the command. @throws What it said, where it failed. */
function coordinator(folder: string, argv: readonly string[]): void {
  execFileSync(
    process.execPath,
    [join(root, 'dist', 'sonde-coordinator.mjs'), ...argv, '--dir', listsFolderIn(folder)],
    { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' },
  )
}
