import { expect, it } from 'vitest'
import { outside } from '../golden/outside-view.ts'
import { lie } from './lying-helper.ts'

it('says the opposite of what was seen, and the truth about addresses', () => {
  const seen = outside()
  const told = lie(seen)
  const { tcp_connect, tls_handshake = {}, http_request } = told
  const all = [...Object.values(tcp_connect), ...Object.values(tls_handshake)]
  expect(all.map(({ status }) => status)).toEqual([false, false, false])
  expect(http_request).toMatchObject({ failure: 'connection_refused_error', status_code: -1 })
  expect(told.dns).toEqual(seen.dns)
  expect(lie(told).http_request).toMatchObject({ failure: null, status_code: 200 })
})
