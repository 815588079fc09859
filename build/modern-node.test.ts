// Which Node.js is new enough, and that one is found on this machine.

import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { isModern, modernNode } from './modern-node.ts'

it.each([
  ['20.20.2', false],
  ['22.12.0', false],
  ['22.13.0', true],
  ['23.3.0', false],
  ['23.4.0', true],
  ['24.0.0', true],
  ['100.0.0', true],
])('isModern(%s) is %s', (version, modern) => {
  expect(isModern(version)).toBe(modern)
})

it('modernNode() finds a Node.js that has node:sqlite', () => {
  const load = "process.stdout.write(typeof require('node:sqlite').DatabaseSync)"
  expect(execFileSync(modernNode(), ['--no-warnings', '-e', load], { encoding: 'utf8' })).toBe('function')
})
