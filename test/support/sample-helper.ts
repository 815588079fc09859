// A test helper on loopback that says what a test wants it to, and notes what it was asked.

import http from 'node:http'
import type { TestHelperRequest, TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import { serveWith } from './loopback.ts'

interface SampleHelper {
  readonly url: string
  readonly asked: readonly TestHelperRequest[]
}

/** @param reaches - Whether every connect and the page succeed, or none. @param page - What differs in its page. */
export async function sampleHelper(
  reaches: boolean,
  page: Partial<TestHelperResponse['http_request']> = {},
): Promise<SampleHelper> {
  const asked: TestHelperRequest[] = []
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (some) => {
      body += some
    })
    request.on('end', () => {
      const question: TestHelperRequest = JSON.parse(body)
      asked.push(question)
      response.end(JSON.stringify(answerTo(question, reaches, page)))
    })
  })
  const { port } = await serveWith(server)
  return { url: `http://127.0.0.1:${port}/v1/web-connectivity`, asked }
}

function answerTo(
  { tcp_connect }: TestHelperRequest,
  reaches: boolean,
  page: Partial<TestHelperResponse['http_request']>,
): TestHelperResponse {
  const failure = reaches ? null : 'connection_refused_error'
  return {
    tcp_connect: Object.fromEntries((tcp_connect ?? []).map((each) => [each, { status: reaches, failure }])),
    http_request: {
      body_length: reaches ? 20 : -1,
      discovered_h3_endpoint: '',
      failure,
      title: '',
      headers: {},
      status_code: reaches ? 200 : -1,
      ...page,
    },
    dns: { failure: null, addrs: ['127.0.0.1'] },
  }
}
