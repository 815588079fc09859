// The files that a configuration names: a test list in place of the built-in one, certificates of authorities. Only
// the operator can correct such a file, so the error says which one it is.

import { readFileSync } from 'node:fs'
import { jsonFaultText, parseJsonText } from '../../tests-spec/command-line/json-text.ts'
import coreList from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import type { Config } from '../config.ts'
import { ActionableError } from '../platform/actionable-error.ts'

/** @throws {ActionableError} `bad_test_list`, with every fault of the file by its path. */
export function readTestList({ test_list: path }: Pick<Config, 'test_list'>): TestList {
  if (path === null) return parseTestList(coreList)
  try {
    return parseTestList(readJson(path))
  } catch (cause) {
    if (!(cause instanceof TestListRefused)) throw cause
    throw badTestList(path, cause.message, cause)
  }
}

function readJson(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw badTestList(path, cause instanceof Error ? cause.message : String(cause), cause)
  }
  const reading = parseJsonText(text)
  if (reading.ok) return reading.value
  throw new ActionableError('bad_test_list', `Cannot read the test list:\n  ${jsonFaultText(path, reading)}`)
}

function badTestList(path: string, why: string, cause: unknown): ActionableError {
  return new ActionableError('bad_test_list', `Cannot use the test list ${path}: ${why}`, { cause })
}

/**
 * @returns The file as PEM, not parsed.
 * @throws {ActionableError} `bad_config`.
 */
export function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ActionableError('bad_config', `Cannot read the CA certificate ${path} named in extra_ca`, {
      cause,
    })
  }
}
