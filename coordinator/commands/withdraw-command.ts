// `sonde-coordinator withdraw`: takes targets out of a group's list, or the whole list: an authenticated word that there is none.

import { CommandFailed } from '../command-failed.ts'
import { changeGroup, openGroup } from './change-group.ts'
import {
  type Command,
  collectorOption,
  dirOption,
  groupOption,
  jsonOption,
  langOption,
  passphraseOption,
  yesOption,
} from './invocation.ts'

export const withdrawCommand: Command = {
  name: 'withdraw',
  summary: "take targets out of a group's list, or withdraw all of it",
  more: 'Devices stop to measure them after their next refresh. What they have measured stays.',
  operands: [{ name: 'URL', kind: 'url', count: 'any' }],
  options: [
    groupOption,
    { name: 'all', help: 'the whole list: devices go on with the core list alone' },
    collectorOption,
    dirOption,
    yesOption,
    passphraseOption,
    langOption,
    jsonOption,
  ],
  async run(invocation) {
    const { given, words } = invocation
    const all = given.has('all')
    if (all === given.operands.length > 0) throw new CommandFailed('bad_usage', words.whichWithdrawn())
    const now = await openGroup(invocation)
    if (all || now.list === null) return changeGroup(invocation, now, { list: null, warnings: null })
    const gone = new Set(given.operands.map((text) => (URL.canParse(text) ? new URL(text).href : text)))
    const entries = now.list.entries.filter(({ input }) => !gone.delete(input ?? ''))
    const [unknown] = gone
    if (unknown !== undefined) throw new CommandFailed('bad_list', words.notListed(unknown, now.group))
    return changeGroup(invocation, now, { list: { ...now.list, entries }, warnings: null })
  },
}
