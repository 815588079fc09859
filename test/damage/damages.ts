// What worn cards, pulled plugs and bad copies do to a file: the kinds of damage that every store is tried with.

import { seededChance } from '../support/sample-spool.ts'

export interface Damage {
  readonly what: string
  /** Nothing of what stood behind the damaged part is left. */
  readonly endsFile?: true
  /** May change `bytes` and give them back. */
  do(bytes: Buffer, chance: () => number): Buffer
}

export const blockBytes = 4_096

const somewhere = (bytes: Buffer, chance: () => number) => Math.floor(chance() * bytes.length)
const someBlock = (bytes: Buffer, chance: () => number) =>
  Math.floor(somewhere(bytes, chance) / blockBytes) * blockBytes
const zeroed = (bytes: Buffer, at: number) => bytes.fill(0, at, Math.min(bytes.length, at + blockBytes))

export function junk(length: number, chance: () => number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(chance() * 256)))
}

export const damages: readonly Damage[] = [
  {
    what: 'bits flipped',
    do(bytes, chance) {
      for (let i = 1 + Math.floor(chance() ** 2 * 20); i > 0 && bytes.length > 0; i--) {
        const at = somewhere(bytes, chance)
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(chance() * 8)), at)
      }
      return bytes
    },
  },
  {
    what: 'its end cut off',
    endsFile: true,
    do: (bytes, chance) => bytes.subarray(0, somewhere(bytes, chance)),
  },
  { what: 'nothing left in it', endsFile: true, do: (bytes) => bytes.subarray(0, 0) },
  { what: 'a block of zeros', do: (bytes, chance) => zeroed(bytes, someBlock(bytes, chance)) },
  { what: '4 KiB of zeros anywhere', do: (bytes, chance) => zeroed(bytes, somewhere(bytes, chance)) },
  {
    what: '512 bytes of junk',
    do(bytes, chance) {
      junk(512, chance).copy(bytes, somewhere(bytes, chance))
      return bytes
    },
  },
  {
    what: 'junk pushed in, and everything behind it moved',
    do(bytes, chance) {
      const at = somewhere(bytes, chance)
      const pushed = junk(1 + Math.floor(chance() * 5_000), chance)
      return Buffer.concat([bytes.subarray(0, at), pushed, bytes.subarray(at)])
    },
  },
  {
    what: 'junk behind its end',
    do: (bytes, chance) => Buffer.concat([bytes, junk(1 + somewhere(bytes, chance), chance)]),
  },
  {
    what: 'one block in the place of another',
    do(bytes, chance) {
      const [from, to] = [someBlock(bytes, chance), someBlock(bytes, chance)]
      bytes.copyWithin(to, from, from + blockBytes)
      return bytes
    },
  },
  {
    what: 'two stretches swapped',
    do(bytes, chance) {
      const length = 1 + Math.floor(chance() * Math.min(blockBytes, bytes.length / 2))
      const [a, b] = [somewhere(bytes, chance), somewhere(bytes, chance)].map((at) =>
        Math.min(at, bytes.length - length),
      )
      const first = Buffer.from(bytes.subarray(a, (a ?? 0) + length))
      bytes.copyWithin(a ?? 0, b ?? 0, (b ?? 0) + length)
      first.copy(bytes, b)
      return bytes
    },
  },
  {
    what: 'a stretch twice',
    do(bytes, chance) {
      const at = somewhere(bytes, chance)
      const again = bytes.subarray(at, at + 1 + Math.floor(chance() * blockBytes))
      return Buffer.concat([bytes.subarray(0, at), again, bytes.subarray(at)])
    },
  },
]

/** @returns A damaged copy, and in which way; `bytes` stays as it is. */
export function damaged(
  bytes: Buffer,
  chance: () => number,
): { readonly what: string; readonly bytes: Buffer } {
  const { what, do: apply } = damages[Math.floor(chance() * damages.length)] as Damage
  return { what, bytes: apply(Buffer.from(bytes), chance) }
}

export const deep = process.env.SONDE_DEEP !== undefined

/** What came of the cases of one store. A case that went wrong is kept by its name, which has its seed. */
export class Tally {
  readonly #store: string
  cases = 0
  readonly corruptAccepted: string[] = []
  readonly undamagedLost: string[] = []

  constructor(store: string) {
    this.#store = store
  }

  /** @param check - Pushes to what went wrong; what it throws is a failure by itself, and gets the name of its case. */
  async run(count: number, check: (name: string, chance: () => number, i: number) => unknown): Promise<void> {
    for (let i = 0; i < count; i++) {
      const seed = 40_000 + i
      const name = `${this.#store} with seed ${seed}`
      this.cases++
      try {
        await check(name, seededChance(seed), i)
      } catch (cause) {
        throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause })
      }
    }
  }

  get line(): string {
    return `${this.#store}: ${this.cases} damaged, ${this.corruptAccepted.length} corrupt accepted, ${this.undamagedLost.length} undamaged lost`
  }
}
