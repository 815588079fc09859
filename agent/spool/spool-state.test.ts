import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases } from '../../test/support/fuzzing.ts'
import {
  afterChange,
  healthOf,
  numberedIn,
  refusesRecords,
  type SpoolChange,
  type SpoolState,
  storeOf,
  unopened,
} from './spool-state.ts'

type Change = SpoolChange<string>
const opened: Change = { kind: 'opened', store: 'the store', epoch: 'first' }
const written: Change = { kind: 'written' }
const writeRefused: Change = { kind: 'write_refused' }
const batchSettled: Change = { kind: 'batch_settled' }
const batchRefused: Change = { kind: 'batch_refused' }
const renumbered: Change = { kind: 'renumbered', epoch: 'second' }
const closeAsked: Change = { kind: 'close_asked' }
const letGo: Change = { kind: 'let_go' }

const state = (...changes: readonly Change[]): SpoolState<string> =>
  changes.reduce<SpoolState<string>>(afterChange, unopened)

describe('what the disk says', () => {
  it.each<[string, readonly Change[], SpoolState<string>['disk']['kind']]>([
    ['nothing at first', [], 'unread'],
    ['that the folder cannot be read', [writeRefused, batchRefused], 'unread'],
    ['with the folder: what waited was refused so far', [opened], 'refusing_records'],
    ['with the first write, that it takes all', [opened, written], 'taking'],
    ['that it takes no record', [opened, written, writeRefused], 'refusing_records'],
    ['that it takes no batch, and records', [opened, written, batchRefused], 'refusing_batches'],
    ['a batch again', [opened, written, batchRefused, batchSettled], 'taking'],
    ['records only, after it refused a batch', [opened, written, batchRefused, written], 'taking'],
    ['neither', [opened, written, batchRefused, writeRefused], 'refusing_records'],
    [
      'a batch, which is no record: those still wait',
      [opened, written, writeRefused, batchSettled],
      'refusing_records',
    ],
    ['neither, and then records', [opened, written, writeRefused, batchRefused, written], 'taking'],
    ['nothing new with other numbers', [opened, written, writeRefused, renumbered], 'refusing_records'],
    ['nothing new when the spool closes', [opened, written, batchRefused, closeAsked], 'refusing_batches'],
    ['what it says while it closes', [opened, written, closeAsked, writeRefused, letGo], 'refusing_records'],
    [
      'that a closed spool writes nothing',
      [opened, written, closeAsked, letGo, writeRefused],
      'refusing_records',
    ],
  ])('%s', (_, changes, kind) => {
    expect(state(...changes).disk.kind).toBe(kind)
  })

  it.each<[SpoolState<string>['disk']['kind'], readonly Change[], 'ok' | 'memory_only', boolean]>([
    ['unread', [], 'memory_only', true],
    ['refusing_records', [opened], 'memory_only', true],
    ['refusing_batches', [opened, written, batchRefused], 'memory_only', false],
    ['taking', [opened, written], 'ok', false],
  ])('%s', (kind, changes, health, waits) => {
    const now = state(...changes)
    expect([now.disk.kind, healthOf(now), refusesRecords(now)]).toEqual([kind, health, waits])
  })
})

describe('the life of a spool', () => {
  it.each<[string, readonly Change[], SpoolState<string>['life']]>([
    ['begins open', [], 'open'],
    ['stays so whatever the disk says', [writeRefused, opened, batchRefused, written], 'open'],
    ['ends in two steps', [opened, closeAsked], 'closing'],
    ['of which the second is the last', [opened, closeAsked, letGo], 'closed'],
    ['also without a folder', [writeRefused, closeAsked, letGo], 'closed'],
    ['and does not begin again', [opened, closeAsked, letGo, closeAsked, written], 'closed'],
  ])('%s', (_, changes, life) => {
    expect(state(...changes).life).toBe(life)
  })
})

describe('the numbers of what waits', () => {
  it.each<[string, readonly Change[], string | null]>([
    ['are of no epoch before the folder was read', [writeRefused, renumbered], null],
    ['are of the one that was found', [opened], 'first'],
    ['are of the next when that has begun', [opened, written, renumbered], 'second'],
    ['and stay so', [opened, renumbered, writeRefused, written, closeAsked], 'second'],
  ])('%s', (_, changes, epoch) => {
    expect(numberedIn(state(...changes))).toBe(epoch)
  })
})

describe('afterChange()', () => {
  const change = fc.constantFrom(
    ...[opened, written, writeRefused, batchSettled, batchRefused, renumbered, closeAsked, letGo],
  )

  it('never loses the store, never opens again, and calls well only what was written last', () => {
    fc.assert(
      fc.property(fc.array(change), (all) => {
        const lives = ['open', 'closing', 'closed']
        let now: SpoolState<string> = unopened
        for (const each of all) {
          const next = afterChange(now, each)
          expect(lives.indexOf(next.life)).toBeGreaterThanOrEqual(lives.indexOf(now.life))
          if (storeOf(now) !== null) expect(storeOf(next)).toBe('the store')
          if (healthOf(now) !== 'ok' && healthOf(next) === 'ok')
            expect(['written', 'batch_settled']).toContain(each.kind)
          // While records wait, only a write that took all of them ends this state.
          if (refusesRecords(now) && !refusesRecords(next)) expect(each.kind).toBe('written')
          now = next
        }
      }),
      { numRuns: cases(300, 5_000) },
    )
  })
})
