// One agent per state folder, and no lock that outlives its owner.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { takeLock } from './lock.ts'

const fresh = () => join(mkdtempSync(join(tmpdir(), 'sonde-lock-')), 'lock')

it('takeLock() names its owner and is gone after release', () => {
  const path = fresh()
  const lock = takeLock(path)
  expect(lock.tookOver).toBe(false)
  expect(readFileSync(path, 'utf8').trim().split(' ')[0]).toBe(String(process.pid))
  lock.release()
  expect(existsSync(path)).toBe(false)
})

it('takeLock() refuses while another agent lives, and takes over when it was killed', async () => {
  const path = fresh()
  // The name on the command line tells an agent from another program that has its process number.
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")', 'sonde'])
  await once(other.stdout, 'data')
  writeFileSync(path, `${other.pid}\n`)
  expect(() => takeLock(path)).toThrow(/Another agent \(process \d+\)/)
  other.kill('SIGKILL')
  await once(other, 'exit')
  const lock = takeLock(path)
  expect(lock.tookOver).toBe(true)
  lock.release()
})

it('takeLock() takes over from a number that another program has now', async () => {
  const path = fresh()
  const other = spawn('sleep', ['60'])
  await once(other, 'spawn')
  writeFileSync(path, `${other.pid}\n`)
  takeLock(path).release()
  other.kill()
})

it('takeLock() takes over from a number that an editor of its log has now: it used to keep the agent out for ever', async () => {
  const path = fresh()
  const other = spawn(
    'tail',
    ['-f', '/dev/null', '-n', '0', '--', '/dev/null', '/tmp/sonde-is-in-its-name'],
    {
      stdio: 'ignore',
    },
  )
  await once(other, 'spawn')
  takeLock(path)
  const [, boot] = readFileSync(path, 'utf8').trim().split(' ')
  writeFileSync(path, `${other.pid} ${boot} 1\n`)
  const lock = takeLock(path)
  expect(lock.tookOver).toBe(true)
  lock.release()
  // Of an earlier boot, whatever runs under the number now.
  writeFileSync(path, `${other.pid} 0123456789abcdef -\n`)
  expect(takeLock(path).tookOver).toBe(true)
  other.kill()
})

it('takeLock() refuses while the very process lives that took it, whatever its name', async () => {
  const path = fresh()
  const program = `import('${import.meta.dirname}/lock.ts').then(({ takeLock }) => { takeLock('${path}'); console.log('up'); setInterval(() => {}, 1000) })`
  const other = spawn(modernNode(), ['--experimental-strip-types', '-e', program])
  await once(other.stdout, 'data')
  expect(() => takeLock(path)).toThrow(/Another agent \(process \d+\)/)
  other.kill('SIGKILL')
  await once(other, 'exit')
  takeLock(path).release()
})

it.each(['', 'garbage', '-1', '1', '99999999'])('takeLock() takes over a lock that reads "%s"', (text) => {
  const path = fresh()
  writeFileSync(path, text)
  const lock = takeLock(path)
  expect(lock.tookOver).toBe(true)
  lock.release()
  expect(takeLock(path).tookOver).toBe(false)
})

it('takeLock() waits for a folder that the disk did not let be made', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'sonde-lock-')), 'later')
  const lock = takeLock(join(folder, 'lock'))
  mkdirSync(folder)
  expect(readdirSync(folder)).toEqual([])
  lock.hold()
  expect(readdirSync(folder)).toEqual(['lock'])
  lock.release()
})

it('takeLock() gives a folder that is in its place another name: it gates no measurement', () => {
  const path = fresh()
  mkdirSync(path)
  takeLock(path).release()
  expect(existsSync(`${path}.in-the-way`)).toBe(true)
})
