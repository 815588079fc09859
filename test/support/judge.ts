// What a nettest concludes from given observations, for the tests of its rules.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Asked, Conclusion } from '../../tests-spec/nettests/nettest-spec.ts'
import type { Circumstances, Verdict } from '../../tests-spec/nettests/verdict.ts'
import { good } from './observations.ts'

interface Concluding<Keys> {
  conclude(observations: Observations, circumstances: Circumstances, asked: Asked): Conclusion<Keys>
}

export interface Judged<Keys> {
  readonly keys: Keys
  readonly verdict: Verdict
  /** Verdicts on parts; empty when the nettest has none. */
  readonly parts: Readonly<Record<string, Verdict>>
}

/** @returns A function that judges, in good circumstances except for those that it is given. */
export function judging<Keys>(nettest: Concluding<Keys>, asked: Partial<Asked> = {}) {
  return (
    seen: Observations,
    circumstances: Partial<Circumstances> = {},
    more: Partial<Asked> = {},
  ): Judged<Keys> => {
    const conclusion = nettest.conclude(
      seen,
      { ...good, ...circumstances },
      { input: null, ...asked, ...more },
    )
    return { ...conclusion, parts: conclusion.parts ?? {} }
  }
}
