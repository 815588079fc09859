// `sonde consent`: asks the host whether this device may measure, and keeps the answer; shows it; takes it back.

import { type Agreement, mayMeasure, readConsent, writeConsent } from '../consent/consent.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { makeStateFolder, openStateFolder, type StateFolder } from '../platform/state-folder.ts'
import { Answers, hostDate, type Talk, talkTo } from './host-talk.ts'
import { type Command, configOf, type Invocation } from './invocation.ts'
import { configOption, langOption, stateOption } from './options.ts'
import { agreementNow, questions, riskyCategories, statements } from './phrases/consent-text.ts'
import type { PhraseKey } from './phrases/phrases.ts'
import { keepLanguage } from './phrases/say.ts'
import { standingOf } from './standing.ts'

export const consentCommand: Command = {
  name: 'consent',
  aliases: ['accord'],
  summary: 'ask the host whether this device may measure; show the answer, or withdraw it',
  more: 'Without it nothing is measured or sent. It is asked again when its text changes. --yes is for the person who installs: it says that they have asked the host, with these words, and that the host agreed.',
  operands: [{ name: 'WHAT', kind: ['show', 'withdraw'], count: 'one or none' }],
  options: [
    stateOption,
    configOption,
    langOption,
    { name: 'yes', help: 'the host has agreed elsewhere: ask nothing' },
    {
      name: 'categories',
      value: { name: 'CODES', kind: 'text', check: whyNoCategories },
      needs: 'yes',
      help: 'risky categories that the host has agreed to, such as REL,DATE; none unless said',
    },
  ],
  exits: [{ code: 1, meaning: 'the host has not agreed' }],
  run: consent,
}

const codesIn = (text: string) => [...new Set(text.toUpperCase().split(/[\s,]+/))].filter(Boolean)

function whyNoCategories(text: string): string | null {
  return codesIn(text).every((code) => riskyCategories.includes(code))
    ? null
    : `some of ${riskyCategories.join(', ')}, with commas between`
}

async function consent(invocation: Invocation): Promise<number> {
  const { given, env } = invocation
  const [what = 'ask'] = given.operands
  const chosen = given.value('state')
  const folder = what === 'ask' ? makeStateFolder(chosen, env) : openStateFolder(chosen, env)
  const talk = await talkTo(invocation, given.value('lang'), folder)
  if (what === 'show') return show(invocation, folder, talk)
  if (what === 'withdraw') return withdraw(invocation, folder, talk)
  if (given.has('yes')) {
    await keep(invocation, folder, talk, 'operator', codesIn(given.value('categories') ?? ''))
    talk.tell('agreed_by_operator')
    return 0
  }
  const answers = new Answers(talk, invocation)
  try {
    return (await askConsent(invocation, folder, talk, answers)) ? 0 : 1
  } finally {
    answers.close()
  }
}

/** The ten sentences, three questions that show whether they were understood, and the one that counts. */
export async function askConsent(
  invocation: Invocation,
  folder: StateFolder,
  talk: Talk,
  answers: Answers,
): Promise<boolean> {
  const { say, tell, tellText } = talk
  tell('consent_intro')
  for (const [i, key] of statements.entries()) tellText(`${i + 1}. ${say(key)}`)
  const isAgreed =
    (await areUnderstood(talk, answers)) && (await answers.yesNo(say('agree_question'))) === true
  const categories = isAgreed ? await askCategories(talk, answers) : null
  if (categories === null) {
    tell('not_agreed')
    return false
  }
  await keep(invocation, folder, talk, 'asked', categories)
  tell('agreed')
  return true
}

/** A wrong answer is explained, and asked about again. */
async function areUnderstood({ say, tell }: Talk, answers: Answers): Promise<boolean> {
  for (const { ask, right, wrong } of questions) {
    for (;;) {
      const answer = await answers.yesNo(say(ask))
      if (answer === null) return false
      if (answer === right) break
      tell(wrong)
    }
  }
  return true
}

/** @returns null when nobody answers any more. */
async function askCategories({ say }: Talk, answers: Answers): Promise<string[] | null> {
  const some = await answers.yesNo(say('sensitive_question'), false)
  if (some !== true) return some === null ? null : []
  const agreed: string[] = []
  for (const code of riskyCategories) {
    const answer = await answers.yesNo(`- ${categoryText(say, code)} ?`, false)
    if (answer === null) return null
    if (answer) agreed.push(code)
  }
  return agreed
}

const categoryText = (say: Talk['say'], code: string) => say(`category_${code}` as PhraseKey)

async function keep(
  { machine }: Invocation,
  folder: StateFolder,
  { language }: Talk,
  how: 'asked' | 'operator',
  categories: string[],
): Promise<void> {
  await written(folder.consent, async () => {
    await writeConsent(folder.consent, agreementNow(language, machine.wallMs(), how, categories))
    if (how === 'asked') await keepLanguage(folder.host, language)
  })
}

async function withdraw({ machine }: Invocation, folder: StateFolder, talk: Talk): Promise<number> {
  const { language, tell } = talk
  await written(folder.consent, () =>
    writeConsent(folder.consent, {
      ...agreementNow(language, machine.wallMs(), 'asked', []),
      agreed: false,
    }),
  )
  tell('withdrawn')
  return 0
}

const stateKeys: Readonly<Record<Agreement['state'], PhraseKey>> = {
  agreed: 'consent_state_agreed',
  config: 'consent_state_config',
  not_asked: 'consent_state_not_asked',
  changed: 'consent_state_changed',
  withdrawn: 'consent_state_withdrawn',
}

async function show(invocation: Invocation, folder: StateFolder, talk: Talk): Promise<number> {
  const { agreement } = await standingOf(folder, configOf(invocation), invocation.machine.wallMs())
  const kept = await readConsent(folder.consent)
  const { say, tell } = talk
  tell(stateKeys[agreement.state], { date: hostDate(kept?.at ?? 0), version: kept?.version ?? 0 })
  if (!mayMeasure(agreement)) return 1
  const named = [...agreement.categories].map((code) => categoryText(say, code))
  if (named.length === 0) tell('sensitive_none')
  else tell('sensitive_allowed', { list: named.join(', ') })
  return 0
}

/** @throws {ActionableError} `state_unwritable`. */
export async function written(path: string, writing: () => Promise<void>): Promise<void> {
  await writing().catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('state_unwritable', `Cannot write ${path}: ${why}. Nothing has changed.`, {
      cause,
    })
  })
}
