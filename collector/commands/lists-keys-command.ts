// `sonde-collector lists-keys`: which keys of this collector sign that a list is the present one, for the root of trust that a
// coordinator makes. Made when they are not there.

import { onlineKeysWord } from '../../tests-spec/lists/online-keys.ts'
import { openOnlineKeys } from '../publish/online-keys.ts'
import { type Command, stateOption } from './invocation.ts'
import { makeState } from './state-folder.ts'

export const listsKeysCommand: Command = {
  name: 'lists-keys',
  summary: 'print the keys that say which test lists are the present ones',
  more: 'Public: sonde-coordinator init wants it. The state folder, and the keys in it, are made when they are missing.',
  operands: [],
  options: [stateOption],
  async run({ given, terminal }) {
    const state = given.value('state') ?? ''
    await makeState(state)
    const { snapshot, timestamp } = await openOnlineKeys(state)
    terminal.out(`${onlineKeysWord({ snapshot: snapshot.publicHex, timestamp: timestamp.publicHex })}\n`)
    return 0
  },
}
