// Whose observation is whose: plain-form.md §2.

import { expect, it } from 'vitest'
import { connect, handshake, join, query } from '../../test/support/observations.ts'
import { type Lists, listNames, noLists, shareOut } from './lists.ts'

const system = query(['21.0.0.10'], { id: 1 })
const named = query(['22.0.0.1'], { engine: 'udp', tags: ['depth=0'], id: 2 })
const elsewhere = connect(null, { tags: ['depth=0'], ip: '22.0.0.1', id: 3 })
const own = connect(null, { id: 4 })
const followUp = handshake(null, { tags: ['depth=0', 'classic', 'followup=neutral_name'], id: 5 })

const idsOf = (lists: Lists) => listNames.flatMap((name) => lists[name].map((each) => each.transaction_id))

it.each([
  [
    'what the system led to is own, also beside others',
    join(system, own, named, elsewhere),
    [1, 4],
    [2, 3],
    [],
  ],
  ['a follow-up is none, whoever led to it', join(system, own, followUp), [1, 4], [], [5]],
  [
    'an address for a host asks nobody, and all is own',
    join(connect(null, { tags: [], id: 4 })),
    [4],
    [],
    [],
  ],
  ['a named resolver alone has nobody beside it', join(named, elsewhere), [2, 3], [], []],
  ['nothing', join(), [], [], []],
])('shareOut(): %s', (_what, seen, expectedOwn, otherResolvers, followUps) => {
  const shares = shareOut({ ...noLists, ...seen })
  expect(idsOf(shares.own)).toEqual(expectedOwn)
  expect(idsOf(shares.otherResolvers)).toEqual(otherResolvers)
  expect(idsOf(shares.followUps)).toEqual(followUps)
})
