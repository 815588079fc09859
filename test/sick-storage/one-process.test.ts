// A card that becomes full, read-only or failing under an agent that runs, and well again: the agent measures into memory
// meanwhile and says so, and writes all of it when it can. Needs root, to mount, and says so where it is not.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { whyNoPower } from '../power/power-lab.ts'
import { agentBundle } from '../support/processes.ts'
import { CardLab, type SickAgent } from './card-lab.ts'

const why = whyNoPower()
if (why !== null) console.error(`\n\n  NO CARD WAS MADE SICK UNDER A RUNNING AGENT: ${why}.\n\n`)

interface Sickness {
  readonly what: string
  readonly kind: 'tmpfs' | 'ext4'
  readonly sicken: string
  /** null: it is not well again before the agent stops. */
  readonly mend: string | null
  /** What `sonde status` says meanwhile, the file on the card being older. */
  readonly unwritable: 'read_only' | 'full' | null
  /** Tried in the deep tests alone. */
  readonly rare?: true
  /** Of the spool meanwhile. */
  readonly health: 'memory_only' | 'ok'
}

const sicknesses: readonly Sickness[] = [
  {
    // What the kernel does by itself when it finds ext4 damaged. It stays so until the next boot.
    what: 'becomes read-only',
    kind: 'ext4',
    sicken: 'echo 1 > /sys/fs/ext4/$(basename $(findmnt -no SOURCE "$state"))/trigger_fs_error',
    mend: null,
    unwritable: 'read_only',
    health: 'memory_only',
    rare: true,
  },
  {
    what: 'is filled by others',
    kind: 'tmpfs',
    sicken: 'cat /dev/zero > "$state/filling" 2>/dev/null || true',
    mend: 'rm "$state/filling"',
    unwritable: 'full',
    health: 'memory_only',
  },
  {
    what: 'has no room for another file',
    kind: 'tmpfs',
    sicken: 'i=0; while true 2>/dev/null > "$state/f$i"; do i=$((i+1)); done',
    mend: 'rm "$state"/f[0-9]*',
    unwritable: 'full',
    // Segments that are there go on taking records.
    health: 'ok',
    rare: true,
  },
  {
    what: 'fails every write and flush (EIO)',
    kind: 'ext4',
    sicken: 'true',
    mend: 'true',
    unwritable: null,
    health: 'memory_only',
  },
]

const deep = process.env.SONDE_DEEP !== undefined
/** Between one that is well and another. */
const sickCycles = 2

describe.skipIf(why !== null)('an agent that runs, and whose card', () => {
  let lab: CardLab
  let internet: LoopbackInternet
  let agent: SickAgent
  beforeAll(async () => {
    lab = await CardLab.open()
    internet = await startLoopbackInternet()
  })
  afterEach(() => agent.end())
  afterAll(async () => {
    internet.close()
    await lab.close()
  })

  it.each(sicknesses.filter(({ rare }) => deep || rare !== true))(
    '$what, measures into memory, says so, and writes it all when the card is well',
    {
      timeout: 240_000,
    },
    async ({ kind, sicken, mend, unwritable, health }) => {
      const config = internet.agentArguments[1] ?? ''
      agent = lab.start({ kind, sicken, mend: mend ?? 'true', config, bundle: agentBundle })
      const well = await agent.cycle()
      expect(well).toMatchObject({ health: 'ok', lost: 0, bugs: 0, unsealed: well.measurements })
      const { measurements } = well

      await agent.sicken()
      const before = agent.said.length
      for (let i = 2; i < 2 + sickCycles; i++) {
        expect(await agent.cycle()).toEqual({ ...well, unsealed: i * measurements, health })
      }
      const said = (code: string) => agent.said.slice(before).filter((line) => line.includes(code)).length
      expect(said('S3901')).toBe(health === 'ok' ? 0 : sickCycles * measurements)
      expect([said('S3002'), said('S3902')]).toEqual([0, 0])
      // Memory and status, each cycle; where only flushes fail they are written, and say what is the matter.
      expect(said('S3903')).toBe(unwritable === null ? 0 : 2 * sickCycles)
      expect(await agent.status()).toMatchObject(unwritable === null ? { spool: { health } } : { unwritable })

      if (mend === null) {
        await agent.stop()
        expect(agent.exit).toEqual({ code: 0 })
        return
      }
      await agent.mend()
      expect(await agent.cycle()).toEqual({ ...well, unsealed: (2 + sickCycles) * measurements })
      expect(said('S3002')).toBe(health === 'ok' ? 0 : 1)
      expect(await agent.status()).toMatchObject({ spool: { health: 'ok', lost: 0 }, unwritable: null })
      await agent.stop()
      expect(agent.exit).toEqual({ code: 0 })

      const found = await agent.read()
      const all = (2 + sickCycles) * measurements
      expect(found.numbers).toEqual(Array.from({ length: all }, (_, n) => n))
      expect(found.cycles).toHaveLength(2 + sickCycles)
      expect(found.lost).toBe(0)
    },
  )
})
