// `sonde-collector rebuild-index`: takes the folder and makes its index again; rebuild-index.ts says how.

import { lockFolder } from '../index/folder-lock.ts'
import { loadSqlite } from '../index/sqlite.ts'
import { type Command, logTo, stateOption, tell } from './invocation.ts'
import { rebuildIndex } from './rebuild-index.ts'
import { existingState } from './state-folder.ts'

export const rebuildIndexCommand: Command = {
  name: 'rebuild-index',
  summary: 'make the index again from the batch files',
  more: 'The collector must not be running. Cut short, it leaves the index that was there.',
  operands: [],
  options: [stateOption],
  async run({ given, terminal }) {
    loadSqlite()
    const state = existingState(given.value('state') ?? '')
    const lock = lockFolder(state)
    try {
      await rebuildIndex(state, logTo(terminal, 'warn'), (progress) => tell(terminal, progress))
    } finally {
      lock.release()
    }
    return 0
  },
}
