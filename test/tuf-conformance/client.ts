// The command line that the public conformance suite of TUF speaks (its CLIENT-CLI.md), over the device's own update. For
// tests alone: the suite starts it anew for each command, under a clock that it fakes.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ListUpdate } from '../../agent/update/list-update.ts'
import { mirrorSource } from '../../agent/update/source.ts'
import type { Answer } from '../../tests-spec/lists/tuf/client-workflow.ts'
import { deviceLimits, type TrustedSet } from '../../tests-spec/lists/tuf/trusted-set.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'metadata-dir': { type: 'string', default: '.' },
    'metadata-url': { type: 'string', default: '' },
    'target-name': { type: 'string', multiple: true, default: [] },
    'target-dir': { type: 'string', default: '.' },
    'target-base-url': { type: 'string', default: '' },
  },
})
const folder = values['metadata-dir']
/** Ours; what the suite looks at is copied out of it. */
const state = join(folder, 'state')
const givenRoot = join(state, 'given-root')

const [command, rootFile = ''] = positionals
if (command === 'init') {
  mkdirSync(state)
  writeFileSync(givenRoot, readFileSync(rootFile))
  writeFileSync(join(folder, 'root.json'), readFileSync(rootFile))
} else {
  process.exitCode = (await update(values['target-name'])) ? 0 : 1
}

/** @returns Whether all went through. */
async function update(paths: readonly string[]): Promise<boolean> {
  const client = await ListUpdate.open({
    dir: state,
    root: readFileSync(givenRoot),
    floor: new Map(),
    limits: { ...deviceLimits, rolesVisited: 32 },
    // The suite counts requests, and expects those of the search alone.
    everyRole: false,
    boot: { id: null, monoMs: 0 },
  })
  const source = mirrorSource(get)
  const { refusal, targets } = await client.refresh(source, paths, {
    nowMs: Date.now(),
    isTrusted: true,
    latestMs: null,
  })
  if (client.trusted !== null) copyOut(client.trusted)
  if (refusal !== null) {
    console.error(`${refusal.code} (${refusal.at}): ${refusal.message}`)
    return false
  }
  for (const path of paths) {
    const outcome = targets.get(path)
    if (outcome?.kind !== 'in_force') {
      console.error(path, outcome?.kind === 'refused' ? outcome.refusal.message : outcome?.kind)
      return false
    }
    const list = await client.inForce(path)
    if (outcome.isNew && list !== null)
      writeFileSync(join(values['target-dir'], encodeURIComponent(path)), list.bytes)
  }
  return true
}

async function get(path: string, maxBytes: number): Promise<Answer> {
  const [kind = '', ...name] = path.split('/')
  const base = kind === 'metadata' ? values['metadata-url'] : values['target-base-url']
  const response = await fetch(`${base.replace(/\/$/, '')}/${name.join('/')}`)
  if (response.status === 404) return 'not_found'
  if (!response.ok || response.body === null) return 'unreachable'
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body) {
    parts.push(part)
    length += part.length
    if (length > maxBytes) return 'too_long'
  }
  return Buffer.concat(parts)
}

/** Under the names that the suite looks for, byte for byte as received. */
function copyOut({ root, timestamp, snapshot, targets }: TrustedSet): void {
  for (const name of readdirSync(folder)) if (name.endsWith('.json')) rmSync(join(folder, name))
  for (const [name, file] of [
    ['root', root],
    ['timestamp', timestamp],
    ['snapshot', snapshot],
    ...targets,
  ] as const)
    if (file !== null) writeFileSync(join(folder, `${encodeURIComponent(name)}.json`), file.bytes)
}
