// The test list: what may be measured, as data and never as code. Category codes are the Citizen Lab's; the entries
// are our own. test-list.md is the page.

import * as v from 'valibot'
import { dnscheckInput, dnscheckOptions } from '../nettests/dnscheck.ts'
import { headerFieldOptions } from '../nettests/http-header-field-manipulation.ts'
import { invalidRequestLineOptions } from '../nettests/http-invalid-request-line.ts'
import { quicpingInput, quicpingOptions } from '../nettests/quicping.ts'
import { service, serviceName } from '../nettests/service.ts'
import { sniBlockingInput, sniBlockingOptions } from '../nettests/sni-blocking.ts'
import { stunInput } from '../nettests/stunreachability.ts'
import { webConnectivityOptions } from '../nettests/throttling.ts'
import { torOptions } from '../nettests/tor.ts'

const url = v.pipe(v.string(), v.url(), v.regex(/^https?:\/\//, 'expected http:// or https://'))

const noInput = v.null('expected null: this nettest takes no input')

/** Each nettest has an input of its own kind; null for one that takes none. */
export const testListEntry = v.variant('nettest', [
  entryWithOptions('web_connectivity', url, webConnectivityOptions),
  /** The name of a service that the list describes. */
  entryOf('service_reachability', serviceName),
  entryOf('whatsapp', noInput),
  entryOf('telegram', noInput),
  entryOf('signal', noInput),
  entryOf('facebook_messenger', noInput),
  entryOf('stunreachability', stunInput),
  entryWithOptions('dnscheck', dnscheckInput, dnscheckOptions),
  entryWithOptions('sni_blocking', sniBlockingInput, sniBlockingOptions),
  entryWithOptions('quicping', quicpingInput, quicpingOptions),
  entryWithOptions('tor', noInput, torOptions),
  entryWithOptions('http_invalid_request_line', noInput, invalidRequestLineOptions),
  entryWithOptions('http_header_field_manipulation', noInput, headerFieldOptions),
])

function entryOf<const Nettest extends string, Input extends v.GenericSchema>(
  nettest: Nettest,
  input: Input,
) {
  return v.strictObject({
    nettest: v.literal(nettest),
    input,
    category_code: v.pipe(v.string(), v.regex(/^[A-Z]{3,5}$/)),
    notes: v.optional(v.string()),
  })
}

/** @param options - What each of them is stands with the nettest. */
function entryWithOptions<
  const Nettest extends string,
  Input extends v.GenericSchema,
  Options extends v.GenericSchema,
>(nettest: Nettest, input: Input, options: Options) {
  return v.strictObject({ ...entryOf(nettest, input).entries, options: v.optional(options) })
}

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

export const testList = v.pipe(
  fields,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const list = dataset.value
    const described = new Set(list.services.map(({ name }) => name))
    for (const [place, entry] of list.entries.entries()) {
      if (entry.nettest !== 'service_reachability' || described.has(entry.input)) continue
      const at = { origin: 'value' } as const
      addIssue({
        message: `no service of this list is named "${entry.input}"`,
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
export type Control = v.InferOutput<typeof control>

/** A test list that does not fit its schema. The message names every bad field by its path. */
export class TestListRefused extends Error {
  override readonly name = 'TestListRefused'
  readonly code = 'bad_test_list'
}

/** @throws {TestListRefused} */
export function parseTestList(json: unknown): TestList {
  const parsed = v.safeParse(testList, json)
  if (parsed.success) return parsed.output
  const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? '(top)'}: ${issue.message}`)
  throw new TestListRefused(`Cannot read test list: ${faults.join('; ')}`)
}
