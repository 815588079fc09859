// The files that a configuration names: a test list in place of the built-in one, certificates of authorities. Mending one
// is a person's work, so the error says which it is.

import { readFileSync } from 'node:fs'
import coreList from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import type { Config } from '../config.ts'
import { ActionableError } from '../platform/actionable-error.ts'

/** @throws {ActionableError} `bad_test_list`. */
export function readTestList(config: Config): TestList {
  if (config.test_list === null) return parseTestList(coreList)
  try {
    return parseTestList(JSON.parse(readFileSync(config.test_list, 'utf8')))
  } catch (cause) {
    const why = cause instanceof TestListRefused || cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError('bad_test_list', `Cannot use the test list ${config.test_list}: ${why}`, {
      cause,
    })
  }
}

/** @returns PEM, unread. @throws {ActionableError} `bad_config`. */
export function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ActionableError('bad_config', `Cannot read the CA certificate ${path} named in extra_ca`, {
      cause,
    })
  }
}
