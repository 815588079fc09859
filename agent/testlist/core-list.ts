// Which core list is measured: the newest that was pushed and that this agent can read, else the one that its build
// carries. Never none, and never half of one.

import { parseTestList, type TestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { parseStrictJson } from '../../tests-spec/protocol/strict-json.ts'

/** What came by signed lists and is trusted. */
export interface PushedLists {
  /** @returns null when there is none, or none that is usable. */
  inForce(path: string, isUsable: (bytes: Uint8Array) => boolean): Promise<PushedList | null>
}

export interface PushedList {
  readonly bytes: Uint8Array
  readonly sha256: string
  /** The role that signed for it, and which version of that role did. */
  readonly role: string
  readonly version: number
  /** A newer one is set aside, because the agent died over it, or cannot be read or used. */
  readonly isFallback: boolean
}

export interface CoreList {
  readonly list: TestList
  /** Where it came from; null when it is the build's. */
  readonly pushed: Omit<PushedList, 'bytes'> | null
}

/** @param path - Name of the target. */
export async function coreListInForce(
  pushed: PushedLists,
  path: string,
  builtIn: TestList,
): Promise<CoreList> {
  const found = await pushed.inForce(path, (bytes) => testListIn(bytes) !== null)
  const list = found === null ? null : testListIn(found.bytes)
  if (found === null || list === null) return { list: builtIn, pushed: null }
  const { sha256, role, version, isFallback } = found
  return { list, pushed: { sha256, role, version, isFallback } }
}

const testListIn = (bytes: Uint8Array) => readable(bytes, parseTestList)

/**
 * @returns null when this agent cannot read it: a coordinator whose tools are newer than a device must not leave it with
 * nothing to measure.
 */
export function readable<List>(bytes: Uint8Array, parse: (json: unknown) => List): List | null {
  try {
    return parse(parseStrictJson(bytes))
  } catch (error) {
    if (error instanceof TestListRefused || error instanceof SyntaxError || error instanceof TypeError)
      return null
    throw error
  }
}
