// The line of a boot as it stands, in memory: dating.md, "The line of a boot". Reading all evidence of a boot again for
// each batch would cost more the longer the boot lasts.

import {
  type BoundMoment,
  type Bounds,
  boundsOn,
  compareMoments,
  type LooseMoment,
  type Moment,
  tightenInPlace,
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
 * same boot is dated by it, and brings none. The passes along a line of this length take 2 ms.
 */
export const maxEvidence = 32_768
/** Readings that lie closer than this may have another order by the monotonic clock than on the line. */
const reorderedMs = 5_000

/** A moment as it stands on the line, and what is known of it alone. */
interface Place extends LooseMoment {
  readonly own: Evidence | Edge
}

export class BootLine {
  /** Places of the evidence, in the order of the line. */
  readonly #places: Place[]
  /** These and the edges, once the line was settled. */
  #line: readonly Place[] | null = null

  constructor(evidence: readonly Evidence[]) {
    this.#places = evidence.slice(0, maxEvidence).sort(compareMoments).map(placeOf)
  }

  /** Number of moments. */
  get size(): number {
    return this.#places.length
  }

  /** Whether bounds can be had from it; evidence that was added later is not in them. */
  get isSettled(): boolean {
    return this.#line !== null
  }

  add(evidence: Evidence): void {
    if (this.#places.length < maxEvidence) insert(this.#places, placeOf(evidence))
  }

  /** Bounds every moment by all the others. */
  settle(edges: readonly Edge[]): Settled {
    // From what is known of each alone: what was found before rests on edges that may have moved.
    for (const place of this.#places) {
      place.earliest = place.own.earliest
      place.latest = place.own.latest
    }
    const line = [...this.#places]
    const edgePlaces = edges.map(placeOf)
    for (const place of edgePlaces) insert(line, place)
    tightenInPlace(line)
    this.#line = line
    const evidence: Evidence[] = []
    let [first, last] = [-1, -1]
    for (let at = 0; at < line.length; at++) {
      const { own, earliest, latest } = line[at] as Place
      if (own.said?.earliest === earliest && own.said.latest === latest) continue
      if (first === -1) first = at
      last = at
      if (own.kind === 'edge') continue
      own.said = { earliest, latest }
      evidence.push(own)
    }
    return {
      evidence,
      edges: edgePlaces.map(({ earliest, latest }) => ({ earliest, latest })),
      changed: first === -1 ? null : around(line, first, last),
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

function placeOf(own: Evidence | Edge): Place {
  const { monoMs, suspendedMs, steps, earliest, latest } = own
  return { monoMs, suspendedMs, steps, earliest, latest, own }
}

/** Behind all that it does not come before. */
function insert(line: Place[], place: Place): void {
  let [from, to] = [0, line.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (compareMoments(line[middle] as Place, place) <= 0) from = middle + 1
    else to = middle
  }
  line.splice(from, 0, place)
}

function around(line: readonly Moment[], first: number, last: number): Span {
  return {
    from: (line[first - 1]?.monoMs ?? 0) - reorderedMs,
    to: (line[last + 1]?.monoMs ?? Number.MAX_SAFE_INTEGER) + reorderedMs,
  }
}
