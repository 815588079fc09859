// The test list: what may be measured, as data and never as code. Category codes are the Citizen Lab's; the entries
// are our own. test-list.md is the page.

import * as v from 'valibot'
import { quoted } from '../command-line/quoted.ts'
import { faultsOf } from '../command-line/value-faults.ts'
import { httpUrl as url } from '../data-formats/http-url.ts'
import { allNettests, type ListedNettest } from '../nettests/all-nettests.ts'
import { advertisers } from '../nettests/house-filter.ts'
import { service } from '../nettests/service.ts'

const aside = {
  category_code: v.pipe(v.string(), v.regex(/^[A-Z]{3,5}$/)),
  notes: v.optional(v.string()),
}

type EntrySchema<Spec extends ListedNettest> = Spec extends ListedNettest
  ? v.StrictObjectSchema<
      {
        readonly nettest: v.LiteralSchema<Spec['name'], undefined>
        readonly input: Spec['input']
      } & typeof aside &
        (Spec['options'] extends v.GenericSchema
          ? { readonly options: v.OptionalSchema<Spec['options'], undefined> }
          : unknown),
      undefined
    >
  : never

/** Input and options are what the nettest says they are; null as input for one that takes none. */
function entryOf({ name, input, options }: ListedNettest) {
  const entries = { nettest: v.literal(name), input, ...aside }
  return v.strictObject(options === null ? entries : { ...entries, options: v.optional(options) })
}

const isListed = (spec: (typeof allNettests)[number]): spec is ListedNettest => spec.input !== null

// The compiler does not follow each spec through `map`: the type above says of each what `entryOf` makes of it.
export const testListEntry = v.variant(
  'nettest',
  allNettests.filter(isListed).map(entryOf) as unknown as EntrySchema<ListedNettest>[],
)

/** A neutral target that answers everybody alike; its failure speaks of the link. */
export const control = v.strictObject({
  url,
  expect: v.strictObject({
    status: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599)),
    /** Text the body must contain; absent when the status is all that counts. */
    body: v.optional(v.string()),
  }),
})

export const testListResolver = v.strictObject({
  transport: v.picklist(['udp', 'tcp']),
  ip: v.pipe(v.string(), v.ip()),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)),
})

const fields = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/)),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  entries: v.array(testListEntry),
  controls: v.array(control),
  resolvers: v.array(testListResolver),
  /** URLs of test helpers, in the order to ask them. None: no look from outside. */
  helpers: v.optional(v.array(url), []),
  /** A server name nobody blocks, sent to a host that was silent under its own. */
  neutral_name: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9.-]{3,253}$/)), 'example.org'),
  /** Names that ad blockers and parental controls answer for, and no state blocks, of several owners. */
  filtered_names: v.optional(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9.-]{3,253}$/))), [...advertisers]),
  /** A page of 64 kB or more that nobody slows down, fetched after a slow one as far as that went. Absent: none. */
  transfer_control: v.optional(url),
  /** What `service_reachability` measures, described as data. */
  services: v.optional(
    v.pipe(
      v.array(service),
      v.check(
        (services) => new Set(services.map(({ name }) => name)).size === services.length,
        'two services have the same name',
      ),
    ),
    [],
  ),
})

const listed = ['entries', 'controls', 'resolvers', 'helpers'] as const

/** What stands there twice: it would be measured twice, or count twice. */
function twins(list: v.InferOutput<typeof fields>) {
  return listed.flatMap((field) => {
    const seen = new Map<string, number>()
    return list[field].flatMap((each: unknown, place) => {
      const name = JSON.stringify(sameness(each))
      const like = seen.get(name)
      seen.set(name, like ?? place)
      return like === undefined ? [] : [{ field, place, like }]
    })
  })
}

/** Without what only people read, and of URLs the form that is asked for. */
function sameness(each: unknown): unknown {
  if (typeof each === 'string') return URL.canParse(each) ? new URL(each).href : each
  if (typeof each !== 'object' || each === null) return each
  const { notes: _notes, category_code: _code, expect: _expect, ...rest } = each as Record<string, unknown>
  return Object.entries(rest).map(([name, value]) => [name, sameness(value)])
}

export const testList = v.pipe(
  fields,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const list = dataset.value
    for (const { field, place, like } of twins(list)) {
      const input = list[field]
      addIssue({
        message: `the same as ${field}.${like}`,
        path: [
          { type: 'object', origin: 'value', input: list, key: field, value: input },
          { type: 'array', origin: 'value', input, key: place, value: input[place] },
        ],
      })
    }
    const described = new Set(list.services.map(({ name }) => name))
    for (const [place, entry] of list.entries.entries()) {
      if (entry.nettest !== 'service_reachability' || described.has(entry.input)) continue
      const at = { origin: 'value' } as const
      addIssue({
        message: `no service of this list is named ${quoted(entry.input)}`,
        path: [
          { ...at, type: 'object', input: list, key: 'entries', value: list.entries },
          { ...at, type: 'array', input: list.entries, key: place, value: entry },
          { ...at, type: 'object', input: { ...entry }, key: 'input', value: entry.input },
        ],
      })
    }
  }),
)
export type TestList = v.InferOutput<typeof testList>
export type TestListEntry = v.InferOutput<typeof testListEntry>
export type ControlEntry = v.InferOutput<typeof control>

/** A test list that does not fit its schema. The message names every bad field by its path. */
export class TestListRefused extends Error {
  override readonly name = 'TestListRefused'
  readonly code = 'bad_test_list'
}

/** @throws {TestListRefused} */
export function parseTestList(json: unknown): TestList {
  const parsed = v.safeParse(testList, json)
  if (parsed.success) return parsed.output
  const faults = faultsOf(testList, parsed.issues).map(({ place, what }) => `${place}: ${what}`)
  throw new TestListRefused(`Cannot read test list: ${faults.join('; ')}`)
}
