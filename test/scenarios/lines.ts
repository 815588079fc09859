// Lines that carry half of what they should, and lists whose controls have grown old: who is asked decides what the link is
// called, and so what a failure may be.

import type { ControlEntry } from '../../tests-spec/lists/test-list.ts'
import { labList } from '../lab/list.ts'
import type { Rule } from '../lab/policy.ts'
import { clearTextPage, lasting, page, type Scenario, site } from './scenario.ts'

/** The lab's controls, and two more over TLS. */
const overTls = (...urls: readonly string[]): ControlEntry[] =>
  urls.map((url) => ({ url, expect: { status: 200 } }))
const withTls = {
  controls: [...labList.controls, ...overTls('https://example.org/', 'https://transfer.example/')],
}
const drop = (name: string): Rule => ({ kind: 'address', site: name, action: 'drop' })
/** Telephones may ask whether there is a line; of the rest only friends of the provider are reached. */
const halfFree = [drop('example.org'), drop('transfer.example')]

/** Two controls that answer everybody with a redirect: they have moved. */
const moved = {
  controls: labList.controls.map((control, index) =>
    index < 2 ? { ...control, url: `http://short.example/${index === 0 ? '' : '2'}` } : control,
  ),
}

export const lineScenarios: readonly Scenario[] = [
  {
    name: 'the address: drop, while two controls have moved for everybody',
    input: page,
    rules: [drop(site)],
    list: moved,
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' },
  },
  {
    name: 'the address: drop, while one control is dead for everybody',
    input: page,
    rules: [drop(site)],
    list: {
      controls: labList.controls.map((control, index) =>
        index === 0 ? { ...control, url: 'http://refusing.example/' } : control,
      ),
    },
    repeatAfterSeconds: lasting,
    expect: { verdict: 'anomaly', rule: 'connect_fails_only_here', step: 'connect' },
  },
  {
    name: 'the server name: silence, while controls over TLS answer',
    input: page,
    rules: [{ kind: 'server_name', name: site, action: 'drop' }],
    list: withTls,
    expect: { verdict: 'anomaly', rule: 'server_name_interfered', step: 'tls_handshake' },
  },
]

export const linesUnblocked: readonly Scenario[] = [
  ...[page, clearTextPage].map(
    (input): Scenario => ({
      name: `two controls have moved for everybody, ${new URL(input).protocol.slice(0, -1)}`,
      input,
      rules: [],
      list: moved,
      expect: { verdict: 'ok' },
    }),
  ),
  ...[page, clearTextPage].map(
    (input): Scenario => ({
      name: `a line that lets telephones ask, and little else through, ${new URL(input).protocol.slice(0, -1)}`,
      input,
      rules: [...halfFree, drop(site)],
      list: withTls,
      repeatAfterSeconds: lasting,
      expect: { verdict: 'undetermined', rule: 'link_degraded', step: 'connect' },
    }),
  ),
  {
    name: 'a line that lets telephones ask, and sends everything else to a shop',
    input: clearTextPage,
    rules: [...halfFree, { kind: 'box', site, box: 'polite_block_page' }],
    list: withTls,
    repeatAfterSeconds: lasting,
    expect: { verdict: 'undetermined', rule: 'link_degraded' },
  },
  {
    name: 'larger packets are lost, over TLS',
    input: page,
    rules: [{ kind: 'largest_packet', bytes: 800 }],
    list: withTls,
    repeatAfterSeconds: lasting,
    expect: { verdict: ['undetermined', 'link_down'] },
  },
  {
    name: 'larger packets are lost, whatsapp',
    input: null,
    rules: [{ kind: 'largest_packet', bytes: 800 }],
    list: { ...withTls, entries: [{ nettest: 'whatsapp', input: null, category_code: 'COMT' }] },
    repeatAfterSeconds: lasting,
    expect: { verdict: ['undetermined', 'link_down'] },
  },
]
