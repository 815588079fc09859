// What the agent keeps of the repository, in one piece: all metadata that is trusted, root included, and which list is in
// force. Two slots, written in turn, each with the digest of all that is in it: whatever happens to one, the other is
// whole. A stock store keeps a file for each role; a torn root then stops it for ever, and two torn files let an old
// mirror be believed.

import { join } from 'node:path'
import * as v from 'valibot'
import type { AtomicDisk } from '../platform/atomic-file.ts'
import { readStateFile, writeStateFile } from '../platform/state-file.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

const keptList = v.object({
  /** Of its content. */
  sha256,
  /** Roles that vouch for it, `targets` first. */
  chain: v.array(v.string()),
  /** Of the last of these, when it came. */
  version: count,
})
export type KeptList = v.InferOutput<typeof keptList>

const keptTarget = v.object({
  path: v.string(),
  /** The newest that was trusted. */
  now: keptList,
  /** What was in force before it; null when nothing was. */
  before: v.nullable(keptList),
  /** How often in a row the agent died over `now`. */
  crashes: count,
  /** `now` is set aside, and `before` is in force. */
  quarantined: v.boolean(),
})
export type KeptTarget = v.InferOutput<typeof keptTarget>

const keptState = v.object({
  v: v.literal(1),
  /** Grows with each write; the slot with the higher one counts. */
  generation: count,
  /** The last time that was certain, in milliseconds since 1970; 0 before the first. */
  trusted_ms: count,
  /** The root that was walked to. */
  root: v.string(),
  /** The text of each other file by its role, byte for byte as received; pairs, since a role may have any name. */
  files: v.array(v.tuple([v.string(), v.string()])),
  /** Keys that were taken out, by id. */
  former: v.array(v.tuple([v.string(), v.nullable(v.string())])),
  targets: v.array(keptTarget),
})
export type KeptState = v.InferOutput<typeof keptState>

const slotNames = ['slot-0.json', 'slot-1.json'] as const

export class UpdateState {
  readonly #dir: string
  readonly #disk: AtomicDisk | undefined
  /** Both generations, the newer one first; one that is not there or not whole is left out. */
  #slots: readonly { readonly name: string; readonly state: KeptState }[]

  private constructor(dir: string, disk: AtomicDisk | undefined, slots: UpdateState['slots']) {
    this.#dir = dir
    this.#disk = disk
    this.#slots = slots
  }

  /** Never fails: what cannot be read is not known. */
  static async open(dir: string, disk?: AtomicDisk): Promise<UpdateState> {
    const read = await Promise.all(
      slotNames.map(async (name) => ({ name, state: await readStateFile(join(dir, name), keptState, disk) })),
    )
    const whole = read.flatMap(({ name, state }) => (state === null ? [] : [{ name, state }]))
    return new UpdateState(
      dir,
      disk,
      whole.sort((a, b) => b.state.generation - a.state.generation),
    )
  }

  get slots(): readonly { readonly name: string; readonly state: KeptState }[] {
    return this.#slots
  }

  /**
   * Writes over the older slot. Once this resolves, the new state survives a power cut; until then, the old one does.
   * @throws The disk's error.
   */
  async write(content: Omit<KeptState, 'v' | 'generation'>): Promise<void> {
    const [newest] = this.#slots
    const generation = (newest?.state.generation ?? 0) + 1
    const name = slotNames.find((each) => each !== newest?.name) ?? slotNames[0]
    const state: KeptState = { v: 1, generation, ...content }
    await writeStateFile(join(this.#dir, name), state, this.#disk === undefined ? {} : { disk: this.#disk })
    this.#slots = [{ name, state }, ...this.#slots.filter((slot) => slot.name !== name)]
  }
}
