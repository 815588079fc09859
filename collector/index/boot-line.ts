// The line of a boot as it stands, in memory: dating.md, "The line of a boot". Reading all evidence of a boot again for
// each batch would cost more the longer the boot lasts.

import {
  type BoundMoment,
  type Bounds,
  boundsOn,
  compareMoments,
  type Moment,
  tighten,
  unbounded,
} from '../../tests-spec/data-formats/dating.ts'

/** A moment of which something is known. */
export interface Evidence extends BoundMoment {
  readonly kind: 'evidence'
  readonly id: number
  /** Its bounds by the whole line, as they were noted last; null before the first time. */
  said: Bounds | null
}

/** The first or the last moment of a boot, with what the boots around it say. */
export interface Edge extends BoundMoment {
  readonly kind: 'edge'
  readonly said: Bounds | null
}

/** Of the monotonic clock, in milliseconds, both ends included. */
export interface Span {
  readonly from: number
  readonly to: number
}

export interface Settled {
  /** Evidence with other bounds than before. */
  readonly evidence: readonly Evidence[]
  /** The bounds of the edges, in their order. */
  readonly edges: readonly Bounds[]
  /** Where rows need another date: between two moments whose bounds are unchanged, none does. null: nowhere. */
  readonly changed: Span | null
}

/**
 * So much evidence counts for one boot: at a batch each quarter of an hour, that of four months. What comes later in the
 * same boot is dated by it, and brings none. The passes along a line of this length take some 10 ms.
 */
export const maxEvidence = 32_768
/** Readings that lie closer than this may have another order by the monotonic clock than on the line. */
const reorderedMs = 5_000

export class BootLine {
  /** In the order of the line. */
  readonly #evidence: Evidence[]
  #line: readonly (BoundMoment & { readonly own: Evidence | Edge })[] | null = null

  constructor(evidence: readonly Evidence[]) {
    this.#evidence = evidence.slice(0, maxEvidence).sort(compareMoments)
  }

  /** Number of moments. */
  get size(): number {
    return this.#evidence.length
  }

  /** Whether bounds can be had from it; evidence that was added later is not in them. */
  get isSettled(): boolean {
    return this.#line !== null
  }

  add(evidence: Evidence): void {
    if (this.#evidence.length >= maxEvidence) return
    let [from, to] = [0, this.#evidence.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (compareMoments(this.#evidence[middle] as Evidence, evidence) <= 0) from = middle + 1
      else to = middle
    }
    this.#evidence.splice(from, 0, evidence)
  }

  /** Bounds every moment by all the others. */
  settle(edges: readonly Edge[]): Settled {
    const line = tighten([...this.#evidence, ...edges].map((own) => ({ ...own, own })))
    this.#line = line
    const evidence: Evidence[] = []
    const places: number[] = []
    for (const [place, { own, earliest, latest }] of line.entries()) {
      if (own.said?.earliest === earliest && own.said.latest === latest) continue
      places.push(place)
      if (own.kind === 'edge') continue
      own.said = { earliest, latest }
      evidence.push(own)
    }
    const [first, last] = [places[0], places.at(-1)]
    return {
      evidence,
      edges: edges.map((edge) => {
        const { earliest, latest } = line.find(({ own }) => own === edge) ?? unbounded
        return { earliest, latest }
      }),
      changed: first === undefined || last === undefined ? null : around(line, first, last),
    }
  }

  boundsOf(moment: Moment): Bounds {
    return boundsOn(this.#line ?? [], moment)
  }

  /** What its neighbours may take from it: its last moment is not before, its first not after. */
  get ends(): { readonly endsAfter: number; readonly beginsBefore: number } {
    const [begin, end] = [this.#line?.[0], this.#line?.at(-1)]
    return {
      endsAfter: end === undefined ? unbounded.earliest : this.boundsOf(end).earliest,
      beginsBefore: begin === undefined ? unbounded.latest : this.boundsOf(begin).latest,
    }
  }
}

function around(line: readonly Moment[], first: number, last: number): Span {
  return {
    from: (line[first - 1]?.monoMs ?? 0) - reorderedMs,
    to: (line[last + 1]?.monoMs ?? Number.MAX_SAFE_INTEGER) + reorderedMs,
  }
}
