// `sonde-coordinator push FILE --group NAME`: a list, from a table to the devices of a group.

import { type ReadGroupList, readGroupListFile } from '../lists/group-list-file.ts'
import { changeGroup, type GroupChange, type GroupNow, openGroup } from './change-group.ts'
import {
  type Command,
  collectorOption,
  dirOption,
  groupOption,
  jsonOption,
  langOption,
  listFile,
  passphraseOption,
  yesOption,
} from './invocation.ts'

export const pushCommand: Command = {
  name: 'push',
  summary: 'sign a list with the key of a group, and publish it to the collector',
  more: 'FILE is CSV with the six columns of the Citizen Lab, or JSON as devices get it. Shows what changes and what it costs, and asks. What is pushed takes the place of what was out.',
  operands: [listFile],
  options: [groupOption, collectorOption, dirOption, yesOption, passphraseOption, langOption, jsonOption],
  async run(invocation) {
    const { operands } = invocation.given
    const [path = ''] = operands
    // Before anything is asked of the network: what is wrong with a file is said first.
    const read = readGroupListFile(path, invocation.given.value('group') ?? '')
    const now = await openGroup(invocation)
    return changeGroup(invocation, now, changeTo(read, path, now))
  },
}

/** A table says nothing of campaigns: those that are out go on. */
export function changeTo(
  { list, warnings, saysCampaigns }: ReadGroupList,
  path: string,
  { list: before }: GroupNow,
): GroupChange {
  const campaigns = saysCampaigns ? list.campaigns : (before?.campaigns ?? [])
  return { list: { ...list, campaigns }, warnings: { count: warnings, path } }
}
