// What a nettest is in the contract: what it takes, what it leaves behind, and what is concluded from that. Each has one
// of these beside its page; whatever lists nettests reads all-nettests.ts. How it is measured is the agent's business.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import type { TestHelperResponse } from '../protocol/test-helper.ts'
import type { Service } from './service.ts'
import type { Circumstances, Verdict } from './verdict.ts'

/** `input` of a nettest that is always measured in the same way. */
export const noInput = v.null('expected null: this nettest takes no input')
/** `input` of a nettest that no test list can ask for, because the agent measures it by itself. */
export const unlisted = null

/** What was measured, as far as the rules must know it beside what was seen. */
export interface Asked {
  /** As in the test list; null for a nettest that takes none. */
  readonly input: string | null
  /** What a helper outside saw, or why none could be asked. Absent where the nettest asks none. */
  readonly outside?: TestHelperResponse | Failure | undefined
  /** The description that was measured by. Absent where the nettest has one of its own, or measures no service. */
  readonly service?: Service | undefined
}

/** All that the rules may look at. */
export interface Case<Own> extends Asked {
  readonly seen: Observations
  /** What the nettest has beside the five lists. */
  readonly own: Own
  readonly circumstances: Circumstances
}

export interface Conclusion<Keys = Readonly<Record<string, unknown>>> {
  /** What the rules add to test_keys. */
  readonly keys: Keys
  readonly verdict: Verdict
  /** Verdicts of parts that can be blocked by themselves; null when there are none. */
  readonly parts: Readonly<Record<string, Verdict>> | null
}

type Entries = Readonly<Record<string, v.GenericSchema>>
type Schema = v.GenericSchema | null
type OutputOf<Of extends Entries> = Readonly<v.InferOutput<v.ObjectSchema<Of, undefined>>>

interface Description<Name extends string, Input extends Schema, Options extends Schema> {
  /** `test_name`. The page, the golden samples and the schema of its test_keys are named after it. */
  readonly name: Name
  /** `test_version`; OONI's where the method is OONI's. */
  readonly version: string
  /** What it finds out, in a few words, for the table of nettests. */
  readonly about: string
  /** Of its entries in a test list, or `unlisted`. */
  readonly input: Input
  /** Of its entries in a test list; null when it has none. */
  readonly options: Options
  /** Which of its own observations are lists of operations, each with its times and bytes like those of the five. */
  readonly lists: readonly string[]
  /** Names of its own rules; a failed step has those of judge-failed-step.ts, a service those of service-reachability.ts. */
  readonly rules: readonly string[]
  /** `link` when its verdict is about the link, and so never about a target. */
  readonly subject: 'target' | 'link'
  /**
   * Whether what it sends and what comes back is kept, headers and a text of up to `maxKeptBodyChars`, in brief too. Only for
   * a server of measurers, and only what the nettest itself has taken everything out of that may name somebody.
   */
  readonly keepsBody: boolean
}

/** What OONI's helpers answer is less than one. */
export const maxKeptBodyChars = 16 * 1024

export interface NettestSpec<
  Name extends string = string,
  Input extends Schema = Schema,
  Options extends Schema = Schema,
  Keys = Readonly<Record<string, unknown>>,
> extends Description<Name, Input, Options> {
  /** What stands in its test_keys beside what every measurement has. */
  readonly testKeys: Entries
  /** Pure: the same observations, circumstances and question give the same conclusion, whoever asks and whenever. */
  conclude(observations: Observations, circumstances: Circumstances, asked: Asked): Conclusion<Keys>
}

interface Definition<
  Name extends string,
  Input extends Schema,
  Options extends Schema,
  Own extends Entries,
  Found extends Entries,
> extends Omit<Description<Name, Input, Options>, 'lists' | 'subject' | 'keepsBody'> {
  readonly lists?: readonly (keyof Own & string)[]
  readonly subject?: 'target' | 'link'
  readonly keepsBody?: boolean
  /** What it adds to the five lists while it measures. */
  readonly observations: Own
  /** What the rules add, some of it in the place of an observation of the same name. */
  readonly findings: Found
  /** Schema of `x_sonde_parts`; null when it has no parts. */
  readonly parts: v.GenericSchema | null
  readonly judge: (of: Case<OutputOf<Own>>) => Conclusion<OutputOf<Found>>
}

/** Its own observations are parsed here, once, whoever kept them: the rules get them with their types. */
export function defineNettest<
  const Name extends string,
  Input extends Schema,
  Options extends Schema,
  Own extends Entries,
  Found extends Entries,
>({
  observations: own,
  findings,
  parts,
  judge,
  lists = [],
  subject = 'target',
  keepsBody = false,
  ...description
}: Definition<Name, Input, Options, Own, Found>): NettestSpec<Name, Input, Options, OutputOf<Found>> {
  const ownObservations = v.object(own)
  const kept = Object.entries(own).filter(([name]) => !(name in findings))
  return {
    ...description,
    lists,
    subject,
    keepsBody,
    testKeys: { ...Object.fromEntries(kept), ...findings, ...(parts !== null && { x_sonde_parts: parts }) },
    conclude: (seen, circumstances, asked) =>
      judge({ ...asked, seen, own: v.parse(ownObservations, seen), circumstances }),
  }
}
