// What no vector asks: any one bit of any file, and any way in which a source fails.

import { describe, expect, it } from 'vitest'
import { cases } from '../../../test/support/fuzzing.ts'
import { SampleLists } from '../../../test/support/sample-lists.ts'
import { seededChance } from '../../../test/support/sample-spool.ts'
import { type Answer, type Ask, fetchTarget, findTarget, refresh } from './client-workflow.ts'
import { deviceLimits, openTrusted } from './trusted-set.ts'

const nowMs = Date.parse('2027-01-10T12:00:00Z')
const path = 'groups/bamako/list.json'
const terms = { effectiveMs: nowMs, limits: deviceLimits, floor: new Map<string, number>() }

const lists = new SampleLists(nowMs, 'workflow')
lists.addGroup('bamako')
lists.group('bamako').lists.set(path, Buffer.from('bamako 1'))
lists.publishRoot()
lists.publish()

/** A deep run tries ten times as many. */
const deepMs = 600_000

function run<Result>(steps: Generator<Ask, Result, Answer>, answer: (ask: Ask) => Answer): Result {
  let step = steps.next()
  while (step.done !== true) step = steps.next(answer(step.value))
  return step.value
}

const honest = ({ kind, name }: Ask): Answer => lists.files[kind].get(name) ?? 'not_found'

/** @returns The content that is believed in the end, or the code of the refusal. */
function believed(answer: (ask: Ask) => Answer): Buffer | string {
  const { set, refusal } = run(refresh(openTrusted(lists.root), terms), answer)
  if (refusal !== null) return refusal.code
  const { set: after, search } = run(findTarget(set, path, terms), answer)
  if (search.kind !== 'found') return search.kind === 'refused' ? search.refusal.code : search.kind
  const bytes = run(fetchTarget(after, path, search.target, terms), answer)
  return bytes instanceof Uint8Array ? Buffer.from(bytes) : bytes.code
}

const asked: Ask[] = []
believed((ask) => {
  asked.push(ask)
  return honest(ask)
})
const served = asked.filter((ask) => honest(ask) !== 'not_found')

describe('the client workflow', () => {
  it('believes an honest repository', () => {
    expect(believed(honest)).toEqual(Buffer.from('bamako 1'))
    expect(served).toHaveLength(6)
  })

  it('refuses every change of one bit in any file', { timeout: deepMs }, () => {
    const chance = seededChance(600)
    const faults: string[] = []
    for (let i = 0; i < cases(600, 6_000); i++) {
      const victim = served[i % served.length] as Ask
      const bytes = Buffer.from(honest(victim) as Uint8Array)
      const at = Math.floor(chance() * bytes.length)
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(chance() * 8)), at)
      const found = believed((ask) => (ask.name === victim.name ? bytes : honest(ask)))
      // A bit in a blank or in the order of two members can be nothing: here there is none such.
      if (typeof found !== 'string') faults.push(`${victim.name}, byte ${at}`)
    }
    expect(faults).toEqual([])
  })

  it.each(served.map((ask) => [ask.name, ask] as const))('says how %s failed', (name, victim) => {
    const failing = (answer: Answer) => believed((ask) => (ask.name === name ? answer : honest(ask)))
    expect(failing('too_long')).toBe('endless_data')
    expect(failing('unreachable')).toBe('unreachable')
    // A root that is withheld is not missed: what it would have changed is.
    if (name !== '2.root.json') expect(failing('not_found')).toBe('freeze')
    const cut = (honest(victim) as Uint8Array).subarray(0, -1)
    expect(['mix_and_match', 'tampering', 'wrong_length']).toContain(failing(cut))
  })

  it('asks for no more than the limit, whatever is declared', () => {
    for (const { name, kind, maxBytes } of asked) {
      const limit = kind === 'target' ? deviceLimits.targetFile : deviceLimits.targets
      expect(maxBytes, name).toBeLessThanOrEqual(limit)
    }
  })
})
