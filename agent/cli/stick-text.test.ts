// What a person with a stick is told: each number once, and what to do next.

import { describe, expect, it } from 'vitest'
import { carriedText, exportedText, importedText } from './stick-text.ts'

const exported = { files: ['a.age'], bytes: 99_600, batches: 1, there: 0, damaged: [], sealed: true }
const imported = { forgotten: [], known: 0, foreign: 0, refused: [], unreadable: [], removed: [], pending: 0 }
const carried = {
  taken: [],
  known: 0,
  own: 0,
  noRoom: [],
  gaveUp: [],
  passedOver: [],
  receipts: 0,
  written: [],
  waiting: 0,
}

describe('exportedText()', () => {
  it('says what was written, who can read it, and what is next', () => {
    const text = exportedText(exported, '/media/stick')
    expect(text).toMatch(/^Wrote 1 batch in 1 file \(100 kB\) to \/media\/stick\.\n/)
    expect(text).toContain('nobody but the collector can read them')
    expect(text).toContain('sonde import-receipts /media/stick')
  })

  it('says that there is nothing, and then does not say what to do with it', () => {
    const text = exportedText({ ...exported, files: [], bytes: 0, batches: 0 }, '/s')
    expect(text).toBe('Nothing waits on this device: nothing was written.\n')
  })

  it('names what was there, what was damaged, and what the device itself could not give', () => {
    const text = exportedText({ ...exported, there: 2, damaged: ['b.age'], sealed: false }, '/s')
    for (const part of ['Already there: 2 batches', 'b.age', 'own disk refuses']) expect(text).toContain(part)
  })
})

describe('exportedText() of a device whose disk refuses', () => {
  it('does not say that nothing waits', () => {
    const text = exportedText({ ...exported, files: [], bytes: 0, batches: 0, sealed: false }, '/s')
    expect(text).toContain('Not everything could be exported')
    expect(text).not.toContain('Nothing waits')
  })
})

describe('importedText()', () => {
  it('says when there was nothing new', () => {
    expect(importedText(imported, '/s')).toBe('No new receipts for this device in /s.\n')
  })

  it('names refusals with their code, and all that was passed over', () => {
    const refused = [{ batch: 'f'.repeat(64) as never, code: 'seq_conflict' }]
    const all = {
      ...imported,
      known: 1,
      foreign: 3,
      refused,
      unreadable: ['x.rcp'],
      removed: ['a.age'],
      pending: 2,
    }
    const text = importedText(all, '/s')
    for (const part of ['[seq_conflict]', '1 receipt.', '3 lines', 'x.rcp', 'a.age', '2 batches'])
      expect(text).toContain(part)
  })
})

describe('carriedText()', () => {
  it('says what waits, and that nobody here can read it', () => {
    const text = carriedText({ ...carried, taken: ['a.age'], waiting: 3 }, '/s')
    expect(text).toContain('Took 1 sealed file of other devices from /s; 3 now wait here.')
    expect(text).toContain('Nobody here can read them')
  })

  it('names each file it did not take, and the receipts it gave', () => {
    const all = {
      ...carried,
      gaveUp: ['a'.repeat(64)],
      noRoom: ['big.age', '\u001b[2J.age'],
      passedOver: ['cut.age'],
      receipts: 2,
      written: ['r.rcp'],
    }
    const text = carriedText(all, '/s')
    for (const part of [
      'No room for big.age, \\u001b[2J.age',
      'of earlier sticks: 1 file',
      'cut.age',
      '2 receipts',
      'r.rcp',
    ])
      expect(text).toContain(part)
    expect(text).not.toContain('Nobody here')
  })
})
