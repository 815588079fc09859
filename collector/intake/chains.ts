// The chain of every epoch of every probe, in memory. Built from the archive at start, so that intake needs no
// database and cannot disagree with the files.

import type { BatchId, DeviceId, Manifest } from '../../tests-spec/protocol/batch.ts'
import { Chain, type Judgement, type Link } from './chain.ts'

/** Where a batch stands in a chain, as its manifest says. */
export interface Place extends Link {
  readonly device: DeviceId
  readonly epoch: string
}

export function placeOf(id: BatchId, { device, epoch, seq, prev }: Manifest): Place {
  return { device, epoch, seq, id, prev }
}

export class Chains {
  readonly #chains = new Map<string, Chain>()

  /**
   * @param places - Every batch that is held, in any order.
   * @param digestOf - The digest of a probe's enrolment record, or null for a probe that is not enrolled: its batches
   * are left out, since no further batch of it is taken either.
   * @returns The chains, and the contradictions in the archive: there are none unless the files were changed.
   */
  static of(
    places: readonly Place[],
    digestOf: (device: string) => string | null,
  ): { chains: Chains; contradictions: string[] } {
    const chains = new Chains()
    const contradictions: string[] = []
    // In order of seq, each batch is added at the end of its run.
    for (const place of places.toSorted((a, b) => a.seq - b.seq)) {
      const digest = digestOf(place.device)
      if (digest === null) continue
      const judgement = chains.judge(place, digest)
      if (judgement.kind === 'fits') chains.add(place, digest)
      else contradictions.push(`${place.device} ${place.epoch} seq ${place.seq}: ${judgement.kind}`)
    }
    return { chains, contradictions }
  }

  judge(place: Place, enrolmentDigest: string): Judgement {
    return (this.#chains.get(keyOf(place)) ?? new Chain(enrolmentDigest)).judge(place)
  }

  /**
   * Adds a batch that fits.
   * @returns Its chain, which now includes it.
   */
  add(place: Place, enrolmentDigest: string): Chain {
    const key = keyOf(place)
    const chain = this.#chains.get(key) ?? new Chain(enrolmentDigest)
    chain.add(place)
    this.#chains.set(key, chain)
    return chain
  }

  /** The chain a held batch is part of. */
  get(place: Place): Chain | null {
    return this.#chains.get(keyOf(place)) ?? null
  }
}

function keyOf({ device, epoch }: Place): string {
  return `${device}/${epoch}`
}
