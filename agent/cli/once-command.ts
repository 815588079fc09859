// `sonde once`: one cycle of the test list, or of URLs that somebody asks about.

import { tidyHttpUrl, whyNoHttpUrl } from '../../tests-spec/data-formats/http-url.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import { noContext, plainForm } from '../../tests-spec/plain/plain-form.ts'
import { assemble } from '../assemble/assemble.ts'
import { mayMeasure } from '../consent/consent.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { hostDate, talkTo } from './host-talk.ts'
import { type Command, type Invocation, surroundingsOf } from './invocation.ts'
import { keepAll } from './keep-all.ts'
import { configOption, stateOption, verboseOption } from './options.ts'
import { cycleShown } from './shown-cycle.ts'
import { allowedBy, standingOf } from './standing.ts'

export const onceCommand: Command = {
  name: 'once',
  summary: 'measure once: the test list, or these URLs',
  more: 'What was measured is kept and uploaded whether anybody reads what is printed or not: a pipe that closes and a terminal that is gone end nothing.',
  operands: [{ name: 'URL', kind: 'url', count: 'any', check: whyNotMeasurable }],
  options: [
    stateOption,
    configOption,
    verboseOption,
    { name: 'json', help: 'print measurements as they are kept, one JSON object a line' },
    {
      name: 'ooni',
      excludes: 'json',
      help: "print them in OONI's form instead, as OONI's tools read them",
    },
  ],
  run: once,
}

async function once(invocation: Invocation): Promise<number> {
  const { given, terminal } = invocation
  const { operands } = given
  const surroundings = surroundingsOf(invocation)
  // A person waits: nothing is spread for the sake of a crowd.
  const config = { ...surroundings.config, upload_spread_seconds: 0 }
  const ooni = given.has('ooni')
  const json = ooni || given.has('json')
  const standing = await standingOf(surroundings.folder, config, invocation.machine.wallMs())
  const { say } = await talkTo(invocation, null, surroundings.folder)
  if (standing.pausedUntil !== null)
    throw new ActionableError('paused', say('paused_until', { date: hostDate(standing.pausedUntil) }))
  // The person who typed this agrees by it, to the core list; a kept answer may cover more.
  if (!mayMeasure(standing.agreement)) terminal.err(`${say('once_consents')}\n`)
  const allowed = () => allowedBy(standing)
  const agent = await assemble({ ...surroundings, config, allowed, ...(json && { terminal: null }) })
  try {
    const list = operands.length === 0 ? agent.list : listOf(agent.list, operands)
    if (!json) {
      const report = await cycleShown(agent, list, terminal, {
        traced: operands.length > 0,
        isVerbose: given.has('verbose'),
      })
      await agent.report(report, null)
      await keepAll(agent.spool)
      return 0
    }
    const { name, version } = agent.list
    const shown = (kept: Measurement) =>
      ooni
        ? plainForm(kept, { ...noContext, clock: agent.clock.quality(), lists: { [name]: version } })
        : kept
    const print = (measurement: Measurement) => terminal.out(`${JSON.stringify(shown(measurement))}\n`)
    await agent.report(await agent.cycle(list, print), null)
    await keepAll(agent.spool)
  } finally {
    await agent.close()
  }
  return 0
}

function whyNotMeasurable(text: string): string | null {
  return whyNoHttpUrl(tidyHttpUrl(text))?.replace(/^expected /, '') ?? null
}

/** The URLs, each once, as a list of their own, with the controls and resolvers of the one in force. */
function listOf(list: TestList, urls: readonly string[]): TestList {
  const entries = [...new Set(urls.map(tidyHttpUrl))].map((url) => ({
    nettest: 'web_connectivity' as const,
    input: url,
    category_code: 'MISC',
  }))
  return { ...list, name: 'once', entries }
}
