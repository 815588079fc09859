// 206 small repositories, good and bad, each with what a client must make of it, played on the device's own update.

import { describe, expect, it } from 'vitest'
import { type RefusalCode, refusalCodes } from '../../tests-spec/lists/tuf/refusal.ts'
import { allCases, type Step, VectorDevice } from './play.ts'

/** Where the case says what the attacker was about, and a client that has only the files sees something else. */
const seenAs: Readonly<Record<string, RefusalCode>> = {
  // Withheld is all that is seen; that another group's word was to take its place is not.
  'delegation-first-withheld': 'freeze',
  // Kayes knows nothing of the key that Bamako named.
  'delegation-shared-role-two-parents': 'key_substitution',
  // The other file is longer than the one that is declared, and is not read to its end.
  'group-file-swapped-with-hashes': 'endless_data',
  // What root 2 would have said is not known: the new key is a stranger's.
  'root-gap': 'key_substitution',
  // Version 0 is none.
  'root-rollback-backwards': 'malformed',
  // The old timestamp is refused for its key before its version is looked at.
  'root-rollback-old-chain-offered': 'revoked_key',
  // The old list is shorter.
  'target-old-content': 'wrong_length',
}

/** A client that reads the format first may name its section; of a group's file, all steps are those of 5.6.7. */
function isDueAt(at: string, { at: wanted = '' }: Step['expect']): boolean {
  return at === wanted || at.startsWith('4.') || (at === '5.6.7' && wanted.startsWith('5.6.'))
}

/** What the cases were refused for, of those whose outcome is not free. */
const named = new Set<RefusalCode>()

describe('the vectors', () => {
  it('are all there', () => {
    expect(allCases).toHaveLength(206)
    expect(allCases.flatMap(({ steps }) => steps)).toHaveLength(368)
    const names = allCases.map((each) => each.case)
    expect(Object.keys(seenAs).filter((name) => !names.includes(name))).toEqual([])
  })

  it.each(allCases.map((each) => [each.case, each.title, each] as const))('%s: %s', async (_, __, played) => {
    const device = new VectorDevice(played)
    for (const [i, step] of played.steps.entries()) {
      const { refresh, attack, targets } = step.expect
      expect(await device.play(step), `step ${i + 1}`).toEqual([])
      const due = device.refusals.get('refresh') ?? [...device.refusals.values()].at(-1)
      const isFree = refresh === 'either' || Object.values(targets).includes('either')
      if (due !== undefined && !isFree) {
        named.add(due.code)
        const wanted = seenAs[played.case] ?? attack?.replaceAll(/[ -]/g, '_')
        expect(due, `step ${i + 1}`).toMatchObject({ code: wanted })
        expect(isDueAt(due.at, step.expect) || played.case in seenAs, `${due.at}, ${step.expect.at}`).toBe(
          true,
        )
      }
      if (played.metadataRequests !== undefined)
        expect(device.repository.asked).toEqual(played.metadataRequests[i])
    }
  })
  it('name every refusal that the page does, but for a network that is merely away', () => {
    const elsewhere = ['unreachable']
    expect([...named, ...elsewhere].sort()).toEqual([...refusalCodes].sort())
  })
})
