// A helper that says the opposite of what it saw. Pure.

import type { TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'

const refused = { status: false, failure: 'connection_refused_error' } as const
const fine = { status: true, failure: null } as const

/** @returns Every connect and handshake, and the page, with the other outcome; addresses as they are. */
export function lie(seen: TestHelperResponse): TestHelperResponse {
  const { http_request: page, tcp_connect, tls_handshake = {} } = seen
  const failed = {
    body_length: -1,
    status_code: -1,
    failure: 'connection_refused_error',
    title: '',
    headers: {},
  }
  const shown = {
    body_length: 4_000,
    status_code: 200,
    failure: null,
    title: 'News',
    headers: { server: 'lab' },
  }
  const turned = <Each extends { readonly status: boolean }>(all: Readonly<Record<string, Each>>) =>
    Object.fromEntries(
      Object.entries(all).map(([at, each]) => [at, { ...each, ...(each.status ? refused : fine) }]),
    )
  return {
    ...seen,
    tcp_connect: turned(tcp_connect),
    tls_handshake: turned(tls_handshake),
    http_request: { ...page, ...(page.failure === null ? failed : shown) },
  }
}
