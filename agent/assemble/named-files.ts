// The files that a configuration names: a test list in place of the built-in one, certificates of authorities. Only
// the operator can correct such a file, so the error says which one it is.

import { X509Certificate } from 'node:crypto'
import { jsonFaultText, parseJsonText } from '../../tests-spec/command-line/json-text.ts'
import coreList from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestList, TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { openTrusted } from '../../tests-spec/lists/tuf/trusted-set.ts'
import type { Config } from '../config.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { readNamedFile, readNamedText } from '../platform/named-file.ts'

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
    text = readNamedText(path)
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
 * @returns null when none is named.
 * @throws {ActionableError} `bad_config`.
 */
export function readListsRoot({ lists_root: path }: Pick<Config, 'lists_root'>): Buffer | null {
  if (path === null) return null
  try {
    const bytes = readNamedFile(path)
    openTrusted(bytes)
    return bytes
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ActionableError(
      'bad_config',
      `Cannot use the root of trust ${path} named in lists_root: ${why}`,
      {
        cause,
      },
    )
  }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * @returns The files as PEM.
 * @throws {ActionableError} `bad_config`, with every file that cannot be read, or in which no certificate is.
 */
export function readCas({ extra_ca: paths }: Pick<Config, 'extra_ca'>): string[] {
  const faults: string[] = []
  const read = paths.flatMap((path) => {
    try {
      return [readCa(path)]
    } catch (cause) {
      faults.push(`  ${path}: ${cause instanceof Error ? cause.message : String(cause)}`)
      return []
    }
  })
  if (faults.length === 0) return read
  throw new ActionableError(
    'bad_config',
    `Cannot use the CA certificates named in extra_ca:\n${faults.join('\n')}`,
  )
}

function readCa(path: string): string {
  // What stands between the certificates is in any encoding.
  const text = readNamedFile(path).toString('latin1')
  const certificates = text.match(pemCertificate) ?? []
  if (certificates.length === 0) throw new Error('there is no certificate in PEM form in it')
  for (const [index, each] of certificates.entries()) {
    if (!isCertificate(each)) throw new Error(`certificate ${index + 1} in it cannot be read`)
  }
  return text
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== null
  } catch {
    return false
  }
}
