// Which answers are worth asking where they come from.

import { expect, it } from 'vitest'
import { outside } from '../../test/golden/outside-view.ts'
import { connect, handshake, join, query, response } from '../../test/support/observations.ts'
import { isForgedAnswerLikely } from './forged-answer.ts'

const udp = (addresses: readonly string[]) =>
  query(addresses, { engine: 'udp', tags: ['depth=0'], id: 20_001 })
const late = (first: readonly string[], second: readonly string[]) => ({
  queries: (udp(first).queries ?? []).map((each) => ({
    ...each,
    x_sonde_late_replies: [{ t: 0.3, raw: '', addresses: [...second] }],
  })),
})
const reached = join(connect(null), handshake(null), response(200))

it.each([
  ['both resolvers give what the helper has', join(query(['21.0.0.10']), udp(['21.0.0.10'])), false],
  [
    'a late answer contradicts the first',
    join(query(['21.0.0.10']), late(['66.0.0.2'], ['21.0.0.10'])),
    true,
  ],
  ['a late answer says the same', join(query(['21.0.0.10']), late(['21.0.0.10'], ['21.0.0.10'])), false],
  ['only addresses that nobody has', join(query(['21.0.0.10']), udp(['10.0.0.1'])), true],
  [
    'both give what no helper has, and nothing was reached',
    join(query(['66.0.0.2']), udp(['66.0.0.2'])),
    true,
  ],
  [
    'both give what no helper has, and it is the site',
    join(query(['66.0.0.2']), udp(['66.0.0.2']), reached),
    false,
  ],
  ['the named resolver alone has what the helper has', join(query(['66.0.0.2']), udp(['21.0.0.10'])), false],
  ['no named resolver was asked', join(query(['66.0.0.2'])), false],
])('%s: %s', (_name, seen, likely) => {
  expect(isForgedAnswerLikely(seen, outside(), false)).toBe(likely)
})

it('takes no private address for impossible in a laboratory', () => {
  expect(isForgedAnswerLikely(join(query(['10.0.0.1']), udp(['10.0.0.1'])), undefined, true)).toBe(false)
})
