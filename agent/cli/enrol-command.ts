// `sonde enrol URL TOKEN`: makes this device known to a collector, once.

import { tidyHttpUrl, whyNoHttpUrl } from '../../tests-spec/data-formats/http-url.ts'
import { readToken } from '../../tests-spec/protocol/enrolment.ts'
import { writeEnrolment } from '../enrolment/enrolment.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { isDiskFailure } from '../platform/atomic-file.ts'
import { openIdentity } from '../platform/identity.ts'
import { makeStateFolder, type StateFolder } from '../platform/state-folder.ts'
import { EnrolmentFailed, enrol } from '../submit/enrol.ts'
import type { Command, Invocation } from './invocation.ts'
import { stateOption } from './options.ts'

export const enrolCommand: Command = {
  name: 'enrol',
  summary: 'make this device known to a collector',
  more: 'URL and TOKEN are as the coordinator gave them; a token is good for one device.',
  operands: [
    {
      name: 'URL',
      kind: 'url',
      count: 'one',
      check: whyNoCollector,
    },
    { name: 'TOKEN', kind: 'text', count: 'one', check: whyNoToken, secret: true },
  ],
  options: [stateOption],
  run: enrolDevice,
}

async function enrolDevice(invocation: Invocation): Promise<number> {
  const { given, env, terminal } = invocation
  const [written = '', tokenText = ''] = given.operands
  const url = tidyHttpUrl(written)
  const device = await enrolHere(invocation, makeStateFolder(given.value('state'), env), url, tokenText)
  terminal.out(`Enrolled as ${device} with ${url}\n`)
  return 0
}

/**
 * @returns The device.
 * @throws {ActionableError} `enrolment_failed` or `state_unwritable`, with what to do.
 */
export async function enrolHere(
  { machine, signal }: Pick<Invocation, 'machine' | 'signal'>,
  folder: StateFolder,
  url: string,
  tokenText: string,
): Promise<string> {
  const identity = await openIdentity(folder.deviceKey)
  try {
    const { record } = await enrol(url, tokenText, identity, {
      silenceMs: enrolSilenceMs,
      now: machine.monotonicMs,
      signal,
    })
    const keyId = readToken(tokenText)?.collectorKeyId ?? ''
    await writeEnrolment(folder.enrolment, url, keyId, record)
  } catch (cause) {
    if (cause instanceof EnrolmentFailed)
      throw new ActionableError('enrolment_failed', cause.message, { cause })
    if (!(cause instanceof Error) || !isDiskFailure(cause)) throw cause
    throw new ActionableError(
      'state_unwritable',
      `The collector knows this device now, but ${folder.enrolment} cannot be written: ${cause.message}. Make room or change what is in the way, then the same command again: the token is still good for this device.`,
      { cause },
    )
  }
  return identity.device
}

/** Before anything is made: the address is kept, and every upload goes there. */
export function whyNoCollector(written: string): string | null {
  const text = tidyHttpUrl(written)
  if (!URL.canParse(text) || !/^https?:\/\/[^/]/.test(text)) return 'a URL such as https://collector.example'
  const isPlain = whyNoHttpUrl(text) === null && !/[?#]/.test(text)
  return isPlain ? null : 'one such as https://collector.example, without user, blanks, query or fragment'
}

function whyNoToken(text: string): string | null {
  return readToken(text) === null
    ? 'one that begins with "sonde1-" and has two more parts, all of it, as one word'
    : null
}

/** Long enough for EDGE; a person is waiting. */
const enrolSilenceMs = 30_000
