// `sonde erase`: the host wants nothing of this device left. Keys go first, since without them nothing here speaks for the device
// any more, whatever stops the rest; then an agent that runs is ended, then everything else goes. Works without any network.

import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { sealFarewell } from '../../tests-spec/protocol/farewell.ts'
import { endpointsOf, openFreshUplink } from '../assemble/open-uplink.ts'
import { readEnrolment } from '../enrolment/enrolment.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { erase, removeIfEmpty } from '../platform/erase-files.ts'
import { openIdentity } from '../platform/identity.ts'
import { livingOwner, takeLock } from '../platform/lock.ts'
import { openStateFolder, type StateFolder, usualConfigPath } from '../platform/state-folder.ts'
import { sayFarewell } from '../submit/farewell.ts'
import { Answers, talkTo } from './host-talk.ts'
import { type Command, configOf, type Invocation } from './invocation.ts'
import { configOption, langOption, stateOption } from './options.ts'

export const eraseCommand: Command = {
  name: 'erase',
  aliases: ['effacer'],
  summary: 'erase keys, results and settings of this device for good',
  more: 'Keys first. It asks once, works without a network, and ends an agent that runs. Files of others in the folder stay.',
  operands: [],
  options: [
    stateOption,
    configOption,
    langOption,
    { name: 'yes', help: 'do not ask' },
    { name: 'tell', help: 'first say to the collector, if it can be reached, that this device is no more' },
  ],
  exits: [{ code: 1, meaning: 'nothing was erased, by the answer, or something could not be' }],
  run: eraseDevice,
}

async function eraseDevice(invocation: Invocation): Promise<number> {
  const { given, env } = invocation
  const folder = openStateFolder(given.value('state'), env)
  const { tell, say, ...talk } = await talkTo(invocation, given.value('lang'), folder)
  if (!given.has('yes')) {
    const answers = new Answers({ tell, say, ...talk }, invocation)
    const isSure = await answers.yesNo(say('erase_question'))
    answers.close()
    if (isSure !== true) {
      tell('erase_kept')
      return 1
    }
  }
  if (given.has('tell')) tell((await tellCollector(invocation, folder)) ? 'told' : 'not_told')
  const keys = erase(folder.deviceKey)
  if (keys.length > 0)
    throw new ActionableError(
      'state_unwritable',
      `The key ${folder.deviceKey} could not be erased, and nothing was: the disk is read-only or failing, or the file is another user's. Give this command as its user, or destroy the card.`,
    )
  await endAgent(invocation, folder)
  const lock = takeLock(folder.lock)
  const left = ownIn(folder).flatMap(erase)
  const config = given.said('config') ?? usualConfigPath(given.value('state'), env)
  if (config !== null) left.push(...erase(config))
  lock.release()
  left.push(...erase(folder.lock))
  removeIfEmpty(folder.path)
  if (left.length === 0) tell('erased')
  else tell('erase_left', { list: left.join(', ') })
  return left.length === 0 ? 0 : 1
}

const tellMs = 30_000

/** @returns Whether the collector knows. Whatever stands in the way, erasing goes on. */
async function tellCollector(
  invocation: Invocation,
  { deviceKey, enrolment }: StateFolder,
): Promise<boolean> {
  const { machine, signal } = invocation
  const until = AbortSignal.any([signal, AbortSignal.timeout(tellMs)])
  try {
    const collector = readEnrolment(enrolment)
    if (collector === null || !existsSync(deviceKey)) return false
    const { device, privateKey } = await openIdentity(deviceKey)
    const uplink = await openFreshUplink(collector, endpointsOf(collector, configOf(invocation)), machine)
    const word = sealFarewell(device, Math.max(0, Math.round(machine.wallMs())), privateKey)
    return await sayFarewell(uplink, word, until)
  } catch (error) {
    if (error instanceof ActionableError) return false
    throw error
  }
}

/** What an agent makes there, the unfinished included; the lock goes last. */
function ownIn({ path, lock, ...own }: StateFolder): string[] {
  const names = new Set(Object.values(own).map((each) => basename(each)))
  return readdirSync(path)
    .filter((name) => names.has(name.replace(/\.tmp$/, '')))
    .map((name) => join(path, name))
}

const patienceMs = 10_000
const lookEveryMs = 100

/**
 * What it has not written by then, nobody wants any more.
 * @throws {ActionableError} `already_running` when this user may not end it.
 */
async function endAgent({ machine, sleep }: Invocation, { lock }: StateFolder): Promise<void> {
  const began = machine.monotonicMs()
  let signal: NodeJS.Signals = 'SIGTERM'
  for (let pid = livingOwner(lock), told = 0; pid !== null; pid = livingOwner(lock)) {
    if (machine.monotonicMs() - began > patienceMs) signal = 'SIGKILL'
    if (pid !== told || signal === 'SIGKILL') end(pid, signal)
    told = pid
    await sleep(lookEveryMs)
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return
    throw new ActionableError(
      'already_running',
      `The key is erased. The agent (process ${pid}) is another user's: stop it, then give this command again.`,
      { cause },
    )
  }
}
