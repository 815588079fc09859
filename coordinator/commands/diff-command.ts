// `sonde-coordinator diff FILE --group NAME`: what a push would change and cost. Signs nothing, sends nothing.

import { isNothing } from '../lists/difference.ts'
import { readGroupListFile } from '../lists/group-list-file.ts'
import { openGroup, shownOf } from './change-group.ts'
import { differenceJson, differenceText } from './difference-text.ts'
import {
  type Command,
  collectorOption,
  dirOption,
  groupOption,
  jsonOption,
  langOption,
  listFile,
} from './invocation.ts'
import { changeTo } from './push-command.ts'

export const diffCommand: Command = {
  name: 'diff',
  summary: 'say what a push would change and cost',
  more: 'No key is needed, and nothing is sent.',
  operands: [listFile],
  options: [groupOption, collectorOption, dirOption, langOption, jsonOption],
  async run(invocation) {
    const { given, terminal, words } = invocation
    const [path = ''] = given.operands
    const read = readGroupListFile(path, given.value('group') ?? '')
    const now = await openGroup(invocation)
    const shown = shownOf(now, changeTo(read, path, now))
    if (given.has('json')) {
      const json = { group: shown.group, version: shown.version, ...differenceJson(shown) }
      terminal.out(`${JSON.stringify(json, null, 2)}\n`)
      return 0
    }
    terminal.out(differenceText(words, shown))
    if (isNothing(shown.difference) && now.list !== null) terminal.out(`${words.nothingChanged()}\n`)
    return 0
  },
}
