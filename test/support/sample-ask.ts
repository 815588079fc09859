// One question to a helper for the tests: the helper of a laboratory, with a DNS server of its own, and an answer
// that has been through JSON and the schema. Not part of any program.

import { deepStrictEqual } from 'node:assert/strict'
import * as v from 'valibot'
import type { Limits } from '../../collector/test-helper/limits.ts'
import { type HelperParts, TestHelper } from '../../collector/test-helper/test-helper.ts'
import { type TestHelperResponse, testHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import { type SampleConduct, serveNames } from './sample-names.ts'

export interface SampleQuestion {
  readonly url: string
  readonly tcpConnect?: readonly string[]
  readonly headers?: Readonly<Record<string, readonly string[]>>
  /** Absent: every name is 127.0.0.1. */
  readonly names?: SampleConduct
  readonly limits?: Partial<Limits>
  readonly extraCa?: readonly string[]
  /** Replaces the check that allows everything. */
  readonly check?: HelperParts['check']
  readonly signal?: AbortSignal
}

export const toLoopback: SampleConduct = (_, type) => (type === 'A' ? ['127.0.0.1'] : [])

/** The times are so long that they are never reached on a busy machine; tests of the deadlines set their own. */
const patient: Partial<Limits> = { wholeMs: 60_000, lookupMs: 60_000, httpMs: 60_000 }

/** @throws {Error} When the request is refused. */
export async function askSample(question: SampleQuestion): Promise<TestHelperResponse> {
  const { url, tcpConnect = [], headers = {}, limits, extraCa = [], check, signal } = question
  const names = await serveNames(question.names ?? toLoopback)
  try {
    const parts = { limits: { ...patient, ...limits }, extraCa, ...(check !== undefined && { check }) }
    const helper = new TestHelper({ allowPrivate: true, resolver: names }, parts)
    const body = { http_request: url, http_request_headers: headers, tcp_connect: tcpConnect }
    const end = await helper.answer(body, '127.0.0.1', signal ?? new AbortController().signal)
    if (end.kind === 'refused') throw new Error(end.detail)
    const travelled = JSON.parse(JSON.stringify(end.response))
    deepStrictEqual(v.parse(testHelperResponse, travelled), travelled)
    return end.response
  } finally {
    await names.close()
  }
}

/** The page in an answer when fetching it failed. */
export const noPage = (failure: string): TestHelperResponse['http_request'] => ({
  body_length: -1,
  discovered_h3_endpoint: '',
  failure,
  title: '',
  headers: {},
  status_code: -1,
})
