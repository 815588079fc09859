// `sonde setup`: makes a device ready with the person in front of it: language, consent, enrolment, what the link is, and a first
// measurement that shows that it works. It may be given again at any time, and without a network too.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { tidyHttpUrl } from '../../tests-spec/data-formats/http-url.ts'
import { readToken } from '../../tests-spec/protocol/enrolment.ts'
import { assemble } from '../assemble/assemble.ts'
import { readTestList } from '../assemble/named-files.ts'
import type { Config } from '../config.ts'
import { mayMeasure } from '../consent/consent.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { writeFileDurably } from '../platform/atomic-file.ts'
import { livingOwner } from '../platform/lock.ts'
import { readNamedText } from '../platform/named-file.ts'
import {
  makeFolderIfPossible,
  makeStateFolder,
  type StateFolder,
  usualConfigPath,
} from '../platform/state-folder.ts'
import { askConsent, written } from './consent-command.ts'
import { enrolHere, whyNoCollector } from './enrol-command.ts'
import { Answers, type Talk, talkIn, talkTo } from './host-talk.ts'
import { type Command, configOf, type Invocation, surroundingsOf } from './invocation.ts'
import { keepAll } from './keep-all.ts'
import { configOption, langOption, stateOption } from './options.ts'
import { type Language, languages } from './phrases/phrases.ts'
import { chosenLanguage, keepLanguage } from './phrases/say.ts'
import { allowedBy, standingOf } from './standing.ts'

export const setupCommand: Command = {
  name: 'setup',
  aliases: ['installer'],
  summary: 'make this device ready, with a few questions and a first measurement',
  more: 'May be given again at any time; an answer that is empty leaves things as they are. Without a network it gets as far as it can.',
  operands: [],
  options: [stateOption, configOption, langOption],
  exits: [{ code: 1, meaning: 'the host has not agreed' }],
  run: setup,
}

async function setup(invocation: Invocation): Promise<number> {
  const { given, env } = invocation
  const folder = makeStateFolder(given.value('state'), env)
  const first = await talkTo(invocation, given.value('lang'), folder)
  const answers = new Answers(first, invocation)
  try {
    const language = given.value('lang') === null ? await askLanguage(first, folder, answers) : first.language
    await written(folder.host, () => keepLanguage(folder.host, language))
    const talk = talkIn(language, invocation)
    answers.speak(talk)
    const look = () => standingOf(folder, configOf(invocation), invocation.machine.wallMs())
    const isAgreed = mayMeasure((await look()).agreement)
    if (!isAgreed && !(await askConsent(invocation, folder, talk, answers))) return 1
    await askEnrolment(invocation, folder, talk, answers)
    await askLine(invocation, talk, answers)
    return await firstCheck(invocation, folder, talk)
  } finally {
    answers.close()
  }
}

async function askLanguage(talk: Talk, folder: StateFolder, answers: Answers): Promise<Language> {
  const before = (await chosenLanguage(folder.host)) ?? talk.language
  const answer = await answers.text(`Français : 1   English: 2   [${languages.indexOf(before) + 1}]`)
  return languages[Number(answer) - 1] ?? before
}

async function askEnrolment(
  invocation: Invocation,
  folder: StateFolder,
  { say, tell, tellText }: Talk,
  answers: Answers,
): Promise<void> {
  if (existsSync(folder.enrolment)) return tell('enrolled')
  for (;;) {
    const answer = await answers.text(say('ask_token'))
    if (answer === null || answer === '') return tell('enrol_later')
    const found = tokenIn(answer)
    if (found === null) {
      tell('bad_token')
      continue
    }
    try {
      await enrolHere(invocation, folder, found.url, found.token)
      return tell('enrolled')
    } catch (error) {
      if (!(error instanceof ActionableError)) throw error
      // The words say what can be done, and that the token is still good.
      tellText(error.message)
      return tell('enrol_later')
    }
  }
}

/** @param text - Address and token in any order, or the name of a file that holds them. */
function tokenIn(text: string): { readonly url: string; readonly token: string } | null {
  const words = (existsSync(text) ? readOrEmpty(text) : text).split(/\s+/)
  const token = words.find((word) => readToken(word) !== null)
  const url = words.find((word) => /^https?:/i.test(word) && whyNoCollector(word) === null)
  return token === undefined || url === undefined ? null : { url: tidyHttpUrl(url), token }
}

function readOrEmpty(path: string): string {
  try {
    return readNamedText(path)
  } catch {
    return ''
  }
}

const linkTypes = ['wifi', 'mobile', 'wired_ethernet'] as const

/** Written into the configuration, beside what is there. */
async function askLine(invocation: Invocation, { say }: Talk, answers: Answers): Promise<void> {
  const { given, env } = invocation
  const network_type = linkTypes[Number(await answers.text(say('ask_link'))) - 1]
  const network = ((await answers.text(say('ask_network'))) ?? '').slice(0, 80)
  const changes = {
    ...(network_type !== undefined && { network_type }),
    ...(network !== '' && { probe_network_name: network }),
  }
  const path = given.value('config') ?? usualConfigPath(given.value('state'), env)
  if (path === null || Object.keys(changes).length === 0) return
  // It was read and found good by now.
  const before = existsSync(path) ? JSON.parse(readNamedText(path).replace(/^\uFEFF/, '')) : {}
  makeFolderIfPossible(dirname(path))
  const text = `${JSON.stringify({ ...before, ...changes }, null, 2)}\n`
  await written(path, () => writeFileDurably(path, Buffer.from(text)))
}

/** Few enough that a person waits for them. */
const fewEntries = 3

async function firstCheck(invocation: Invocation, folder: StateFolder, talk: Talk): Promise<number> {
  if (livingOwner(folder.lock) !== null) {
    talk.tell('measures_already')
    return 0
  }
  talk.tell('checking')
  const surroundings = surroundingsOf(invocation)
  const config: Config = { ...surroundings.config, upload_spread_seconds: 0, repeat_after_seconds: 0 }
  const standing = await standingOf(folder, config, invocation.machine.wallMs())
  const allowed = () => allowedBy(standing)
  const agent = await assemble({ ...surroundings, config, terminal: null, allowed })
  try {
    const list = readTestList(config)
    const report = await agent.cycle({ ...list, entries: list.entries.slice(0, fewEntries) }, () => {})
    await agent.report(report, null)
    await keepAll(agent.spool)
    const { state } = report.memory.link
    if (state === 'down' || (state === 'unknown' && list.controls.length > 0)) talk.tell('measures_offline')
    else talk.tell('measures', { count: report.measurements })
  } finally {
    await agent.close()
  }
  return 0
}
