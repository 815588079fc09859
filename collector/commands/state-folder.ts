// The folder of `--state`, before a command works in it: made by `serve` and `token`, and there already for any other.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { collectorKeyPath } from '../archive/collector-key.ts'
import { makeFolder } from '../archive/durable-file.ts'
import { CommandFailed, codeOfSystem } from './command-failed.ts'

/** What an agent makes in its folder first, and no collector ever. Both programs read SONDE_STATE. */
const agentsOwn = ['device-key', 'spool']

/**
 * Makes the folder when it is missing.
 * @throws {CommandFailed} `agents_state`, with nothing made; a code of the system's when it cannot be made.
 */
export async function makeState(state: string): Promise<string> {
  if (!isCollectors(state) && isAgents(state)) throw agentsState(state)
  try {
    await makeFolder(state)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed(
      codeOfSystem(cause) ?? 'state_unusable',
      `Cannot make the state folder ${state}: ${why}. Choose another with --state DIR, or make this one writable.`,
      { cause },
    )
  }
  return state
}

/**
 * The folder, which an earlier `serve` or `token` made: a mistyped name makes nothing.
 * @throws {CommandFailed} `no_state`, `agents_state` or `not_permitted`.
 */
export function existingState(state: string): string {
  if (isCollectors(state)) return state
  if (isAgents(state)) throw agentsState(state)
  if (isHidden(state))
    throw new CommandFailed(
      'state_unreadable',
      `The state folder ${state} belongs to another user. Give this command as that user, or as root.`,
    )
  throw new CommandFailed(
    'no_state',
    `There is no collector's state in ${state}. Name the folder that it serves with --state DIR.`,
  )
}

function isCollectors(state: string): boolean {
  return existsSync(collectorKeyPath(state)) || existsSync(join(state, 'batches'))
}

function isAgents(state: string): boolean {
  return agentsOwn.some((name) => existsSync(join(state, name)))
}

function isHidden(state: string): boolean {
  try {
    readdirSync(state)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
  }
}

function agentsState(state: string): CommandFailed {
  return new CommandFailed(
    'agents_state',
    `${state} is the state folder of an agent. Name another for the collector with --state DIR.`,
  )
}
