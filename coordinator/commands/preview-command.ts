// `sonde-coordinator preview --group NAME [FILE]`: all that a device of a group would measure, as its own gate and merge make it.

import { passGate, withGroups } from '../../tests-spec/lists/group-list.ts'
import { CommandFailed } from '../command-failed.ts'
import { readGroupListFile } from '../lists/group-list-file.ts'
import { openGroup } from './change-group.ts'
import {
  type Command,
  collectorOption,
  dirOption,
  groupOption,
  jsonOption,
  langOption,
} from './invocation.ts'

export const previewCommand: Command = {
  name: 'preview',
  summary: 'say what a device of a group would measure',
  more: 'With FILE, as if it were pushed; else by the list that is out. No consent is counted on.',
  operands: [{ name: 'FILE', kind: 'file', count: 'one or none' }],
  options: [groupOption, collectorOption, dirOption, langOption, jsonOption],
  async run(invocation) {
    const { given, terminal, words } = invocation
    const [path] = given.operands
    const read = path === undefined ? null : readGroupListFile(path, given.value('group') ?? '').list
    const { group, list, core, collector } = await openGroup(invocation)
    if (core === null) throw new CommandFailed('no_lists', words.nothingOut(collector.url))
    const shown = read ?? list
    const gated = shown === null ? { entries: [], leftOut: {} } : passGate(shown, core, new Set())
    const { entries } = withGroups(core, [gated])
    if (given.has('json')) {
      const json = { group, entries, left_out: gated.leftOut, campaigns: shown?.campaigns ?? [] }
      terminal.out(`${JSON.stringify(json, null, 2)}\n`)
      return 0
    }
    const lines = entries.map(({ nettest, input }) => `  ${nettest}${input === null ? '' : ` ${input}`}`)
    const out = Object.entries(gated.leftOut).map(([code, count]) => words.leftOut(count, code))
    terminal.out(`${[words.previewOf(group, entries.length), ...lines, ...out].join('\n')}\n`)
    return 0
  },
}
