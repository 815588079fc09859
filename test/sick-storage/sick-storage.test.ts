// The built agent on a card that has become read-only, full, or has no room for another file: it measures all the same,
// and is well again when the card is. The spool's own tests know many more kinds of sickness.
// Needs root, to mount, and says so where it is not.

import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { agentBundle, temporaryFolder } from '../support/processes.ts'

const call = promisify(execFile)
const isRoot = process.getuid?.() === 0
if (!isRoot) console.error('\n\n  NO CARD WAS MADE SICK: it needs root, to mount.\n\n')

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

/** In a mount namespace of its own: a small file system, one cycle well, one sick, one well again. */
const script = `
  set -u
  state=$1; sicken=$2; mend=$3; config=$4; shift 4
  mount -t tmpfs -o size=8m,nr_inodes=400 sonde-card "$state" || exit 99
  for health in well sick mended; do
    case $health in sick) eval "$sicken";; mended) eval "$mend";; esac
    "$@" once --state "$state" --config "$config" --json > "$state.$health.out" 2> "$state.$health.err"
    code=$?
    "$@" status --state "$state" --json > "$state.$health.status" 2>> "$state.$health.err"
    lost=$(sed -n 's/^sonde: \\([0-9]*\\) results could not be kept: .* \\[results_lost\\]$/\\1/p' "$state.$health.err")
    echo "$health $code $(wc -l < "$state.$health.out") \${lost:-0}"
  done
  cat "$state.mended.status"
`

describe.skipIf(!isRoot)('an agent whose card', () => {
  it.each([
    ['became read-only', 'mount -o remount,ro "$state"', 'mount -o remount,rw "$state"', true],
    ['is full', 'cat /dev/zero > "$state/filling" 2>/dev/null', 'rm "$state/filling"', true],
    [
      'has no room for another file',
      'i=0; while true 2>/dev/null > "$state/f$i"; do i=$((i+1)); done',
      'rm "$state"/f[0-9]*',
      // Segments that are there go on taking records.
      false,
    ],
  ])(
    '%s: measures, says what is lost with the process, and is well when the card is',
    { timeout: 240_000 },
    async (_, sicken, mend, loses) => {
      const state = join(temporaryFolder('card'), 'state')
      mkdirSync(state)
      const config = internet.agentArguments[1] ?? ''
      const argv = [
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        script,
        'sh',
        state,
        sicken,
        mend,
        config,
        process.execPath,
        agentBundle,
      ]
      const { stdout } = await call('unshare', argv)
      const lines = stdout.split('\n')
      const rows = lines.slice(0, 3).map((line) => line.split(' '))
      const printed = Object.keys(internet.inputs).length + 4
      expect(rows.map(([health, ...counts]) => [health, ...counts.map(Number)])).toEqual([
        ['well', 0, printed, 0],
        // The link's own measurement is not printed.
        ['sick', loses ? 74 : 0, printed, loses ? printed + 1 : 0],
        ['mended', 0, printed, 0],
      ])
      const status = JSON.parse(lines.slice(3).join('\n'))
      expect(status).toMatchObject({ spool: { health: 'ok' }, last_cycle: { measurements: printed + 1 } })
    },
  )
})
