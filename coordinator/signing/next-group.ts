// A group's next word: its list, or that it has none. Pure.

import {
  expiryAfter,
  newTargets,
  type SigningKey,
  signedFile,
  targetFileOf,
} from '../../tests-spec/lists/tuf/author.ts'
import { groupPath } from './first-lists.ts'
import { contentName, roleName, type State, stateOf } from './state.ts'

/** Whether the delegation names this key. */
export function isEntitled({ roles }: State, group: string, { id }: Pick<SigningKey, 'id'>): boolean {
  const delegation = roles.get('targets')?.signed.delegations.find(({ name }) => name === group)
  return delegation?.keys.has(id) ?? false
}

/**
 * @param content - The list; null: an authenticated word that there is none.
 * @returns What there is then.
 */
export function withGroup(
  state: State,
  group: string,
  content: Uint8Array | null,
  key: SigningKey,
  nowMs: number,
): State {
  const version = (state.roles.get(group)?.signed.version ?? 0) + 1
  const path = groupPath(group)
  const targets = content === null ? new Map() : new Map([[path, targetFileOf(content)]])
  const signed = newTargets({ version, expiresMs: expiryAfter(nowMs, 'group') }, targets, null)
  const files = new Map(state.files).set(roleName(group, version), signedFile('targets', signed, [key]))
  if (content !== null)
    files.set(contentName(path, targetFileOf(content).hashes.get('sha256') ?? null), content)
  return stateOf(files)
}
