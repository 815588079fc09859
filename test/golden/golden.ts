// What the golden samples of a nettest are: observations, and what they mean is in rules.test.ts and in the tests beside
// the rules.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Asked } from '../../tests-spec/nettests/nettest-spec.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { good } from '../support/observations.ts'

export interface Sample {
  readonly sentence: string
  readonly seen: Observations & Readonly<Record<string, unknown>>
  readonly circumstances: Circumstances
  readonly outside: OutsideView | null
}

/** Every file that is named after a nettest exports one as `golden`. */
export interface Golden {
  readonly asked: Asked
  readonly samples: readonly Sample[]
  /** Rules that others share, of which the samples are here. */
  readonly sharedRules?: readonly string[]
}

export const sample = (
  sentence: string,
  seen: Observations,
  circumstances: Partial<Circumstances> | undefined,
  outside: OutsideView | null = null,
): Sample => ({ sentence, seen, circumstances: { ...good, ...circumstances }, outside })

/** A row of a golden table; tables add what else they expect. */
export interface GoldenRow {
  /** A sentence: what is special about it. */
  readonly name: string
  readonly seen: Observations
  /** `verdict rule`, without nettest and version. */
  readonly verdict: string
  /** What differs from a link that is up and a clock that is right. */
  readonly circumstances?: Partial<Circumstances>
}
