// `sonde-coordinator campaign`: times at which some entries of a group's list are measured more often; they begin and end by themselves,
// on devices that are cut off too (tests-spec/lists/group-list.md).

import { type Campaign, type GroupList, parseGroupList } from '../../tests-spec/lists/group-list.ts'
import { TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { CommandFailed } from '../command-failed.ts'
import { changeGroup, type GroupNow, openGroup } from './change-group.ts'
import {
  type Command,
  collectorOption,
  dirOption,
  groupOption,
  type Invocation,
  jsonOption,
  langOption,
  passphraseOption,
  yesOption,
} from './invocation.ts'

const whyNoTime = (text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text) && Number.isFinite(Date.parse(text))
    ? null
    : 'a time in UTC, such as 2026-12-06T06:00Z'

export const campaignCommand: Command = {
  name: 'campaign',
  summary: "show, add or remove times at which a group's devices measure more often",
  more: 'campaign list; campaign add NAME --from TIME --to TIME --every MINUTES; campaign remove NAME. Devices begin and end by themselves, by their own clock.',
  operands: [
    { name: 'ACTION', kind: ['list', 'add', 'remove'], count: 'one' },
    { name: 'NAME', kind: 'text', count: 'one or none' },
  ],
  options: [
    groupOption,
    { name: 'from', value: { name: 'TIME', kind: 'text', check: whyNoTime }, help: 'when it begins, in UTC' },
    { name: 'to', value: { name: 'TIME', kind: 'text', check: whyNoTime }, help: 'when it ends, in UTC' },
    {
      name: 'every',
      value: {
        name: 'MINUTES',
        kind: 'text',
        check: (text) =>
          /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1_440 ? null : '1 to 1440',
      },
      help: 'how often, meanwhile',
    },
    {
      name: 'input',
      value: { name: 'URL', kind: 'text' },
      repeated: true,
      help: "of an entry of this list or the core list; all of the group's list unless said",
    },
    collectorOption,
    dirOption,
    yesOption,
    passphraseOption,
    langOption,
    jsonOption,
  ],
  async run(invocation) {
    const [action = '', name] = invocation.given.operands
    if (action !== 'list' && name === undefined)
      throw new CommandFailed('bad_usage', invocation.words.campaignNeeds('NAME'))
    const added = action === 'add' ? readCampaign(invocation, name ?? '') : null
    const now = await openGroup(invocation)
    if (action === 'list') return show(invocation, now)
    if (now.list === null) throw new CommandFailed('bad_list', invocation.words.campaignNoList(now.group))
    const list = added === null ? without(now, now.list, name ?? '') : withOne(now, now.list, added)
    return changeGroup(invocation, now, { list, warnings: null })
  },
}

function show({ given, terminal, words }: Invocation, { group, list }: GroupNow): number {
  const campaigns = list?.campaigns ?? []
  if (given.has('json')) {
    terminal.out(`${JSON.stringify({ group, campaigns }, null, 2)}\n`)
    return 0
  }
  const lines = campaigns.map(({ name, from, to, every_minutes, inputs }) =>
    words.campaignLine(name, from, to, every_minutes, inputs?.join(' ') ?? words.allEntries()),
  )
  terminal.out(`${lines.length === 0 ? words.campaignNone(group) : lines.join('\n')}\n`)
  return 0
}

/** Before anything is asked of the network. @throws {CommandFailed} `bad_usage`. */
function readCampaign({ given, words, now }: Invocation, name: string): Campaign {
  const needed = (option: string): string => {
    const value = given.value(option)
    if (value === null) throw new CommandFailed('bad_usage', words.campaignNeeds(`--${option}`))
    return value
  }
  const [from, to] = [timeOf(needed('from')), timeOf(needed('to'))]
  if (Date.parse(to) <= now()) throw new CommandFailed('bad_usage', words.campaignOver(to))
  const inputs = given.values('input')
  const every_minutes = Number(needed('every'))
  return { name, from, to, every_minutes, ...(inputs.length > 0 && { inputs: [...inputs] }) }
}

/** With seconds, as it is signed. */
const timeOf = (text: string) => text.replace(/T(\d\d:\d\d)Z$/, 'T$1:00Z')

function withOne({ group, core }: GroupNow, list: GroupList, added: Campaign): GroupList {
  if (list.campaigns.some(({ name }) => name === added.name))
    throw new CommandFailed('bad_usage', (words) => words.campaignThere(added.name, group))
  const known = new Set([...list.entries, ...(core?.entries ?? [])].map(({ input }) => input))
  const unknown = added.inputs?.find((input) => !known.has(input))
  if (unknown !== undefined) throw new CommandFailed('bad_list', (words) => words.notListed(unknown, group))
  try {
    return parseGroupList({ ...list, campaigns: [...list.campaigns, added] })
  } catch (cause) {
    if (!(cause instanceof TestListRefused)) throw cause
    throw new CommandFailed('bad_usage', (words) => words.campaignBad(cause.message), { cause })
  }
}

function without({ group }: GroupNow, list: GroupList, gone: string): GroupList {
  const campaigns = list.campaigns.filter(({ name }) => name !== gone)
  if (campaigns.length === list.campaigns.length)
    throw new CommandFailed('bad_usage', (words) => words.campaignUnknown(gone, group))
  return { ...list, campaigns }
}
