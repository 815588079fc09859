// HTTP/2 is offered only under a Node.js whose HTTP/2 a server cannot use to kill the agent.

import { expect, it } from 'vitest'
import { offeredProtocols } from './offered-protocols.ts'

it.each([
  ['1.61.0', false],
  ['1.68.0', false],
  ['1.68.1', true],
  ['1.69.0', true],
  ['2.0.0', true],
  ['', false],
  ['nonsense', false],
])('offeredProtocols() with nghttp2 "%s" offers h2: %s', (version, offered) => {
  expect(offeredProtocols(version).includes('h2')).toBe(offered)
  expect(offeredProtocols(version)).toContain('http/1.1')
})
