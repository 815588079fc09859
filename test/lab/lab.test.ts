// The lab itself: that it ends without a trace, and that labs do not meet.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { type LabKeys, makeKeys } from './keys.ts'
import { Lab, whyNoLab } from './lab.ts'
import { compile } from './policy.ts'
import { isps } from './topology.ts'

// Half a second each, but a dozen processes: on a busy machine many times that.
vi.setConfig({ testTimeout: 120_000 })

const why = whyNoLab()
if (why !== null) console.error(`\n\n  THE LAB WAS NOT TESTED: ${why}.\n\n`)

it('compile() of no rules lifts whatever was there', () => {
  const { nft, iptables, answers } = compile({ isp: 'o', rules: [] }, isps.o)
  expect(nft).toContain('delete table inet censor')
  expect(nft).not.toMatch(/drop|reject|redirect/)
  expect(iptables).not.toContain('-A')
  expect(answers).toEqual({})
})

it('labd refuses to work outside a sandbox, before it touches anything', () => {
  const labd = fileURLToPath(new URL('labd.ts', import.meta.url))
  const { status, stderr } = spawnSync(modernNode(), [labd], { input: '', encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toContain('this is not the first process of a sandbox')
})

describe.skipIf(why !== null)('a lab', () => {
  let keys: LabKeys
  beforeAll(() => {
    keys = makeKeys()
  })

  it('has no way out', async () => {
    const lab = await Lab.start(keys)
    const links = async (namespace: 'dev-o' | 'dev-b' | 'dev-6' | 'inet') => {
      const ended = await lab.order({ do: 'exec', namespace, argv: ['ip', '-br', 'link'] })
      return (ended as { out: string }).out
        .split('\n')
        .map((line) => line.split(/[@\s]/)[0])
        .filter(Boolean)
        .sort()
    }
    expect(await links('dev-o')).toEqual(['eth0', 'lo'])
    expect(await links('dev-b')).toEqual(['eth-m', 'eth-o', 'lo'])
    expect(await links('dev-6')).toEqual(['eth0', 'lo'])
    expect(await links('inet')).toEqual(['from-abr', 'from-m', 'from-o', 'from-out', 'lo'])
    await lab.stop()
  })

  it('holds a policy of its own beside another lab', async () => {
    const [one, other] = await Promise.all([Lab.start(keys), Lab.start(keys)])
    await one.policy('o', [{ kind: 'blackout' }])
    const reaches = async (lab: Lab) => {
      const argv = ['getent', 'ahostsv4', 'news.example']
      // The C library's own patience is ten seconds.
      const env = { RES_OPTIONS: 'timeout:2 attempts:1' }
      return ((await lab.order({ do: 'exec', namespace: 'dev-o', argv, env })) as { code: number }).code === 0
    }
    expect(await Promise.all([reaches(one), reaches(other)])).toEqual([false, true])
    await Promise.all([one.stop(), other.stop()])
  })

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'leaves no process when whoever opened it dies of %s',
    async (signal) => {
      const opener = fileURLToPath(new URL('open.ts', import.meta.url))
      // Its own session, and a pipe for a terminal that stays open on our side.
      const child = spawn(process.execPath, ['--import', 'tsx', opener], {
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      let said = ''
      while (!said.includes('The lab is open')) {
        const [chunk] = await once(child.stdout, 'data')
        said += chunk
      }
      const family = descendantsOf(child.pid ?? 0)
      expect(family.length).toBeGreaterThan(6)
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
      await expect.poll(() => family.filter(isAlive), { timeout: 3_000 }).toEqual([])
    },
  )
})

function descendantsOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number)
  return children.flatMap((child) => [child, ...descendantsOf(child)])
}

function isAlive(pid: number): boolean {
  return (
    readdirSync('/proc').includes(String(pid)) &&
    !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  )
}
