import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases } from '../../../test/support/fuzzing.ts'
import {
  afterFailure,
  afterMute,
  afterRefused,
  afterStuck,
  afterTaken,
  type Form,
  partEnd,
  type StuckBody,
  type TakenBody,
  unknownForm,
} from './form.ts'

const kib = 1024
const taken = (bytes: number, tookMs: number, confirmed = false, continued = false): TakenBody => ({
  bytes,
  tookMs,
  confirmed,
  continued,
})
const stuck = (over: Partial<StuckBody> = {}): StuckBody => ({
  bytes: 4 * kib,
  arrived: false,
  continued: false,
  silent: true,
  isIdle: false,
  ...over,
})

describe('a part', () => {
  it.each<[string, Partial<Form>, number, number, number]>([
    ['is small on a new way', {}, 60_000, 0, 4 * kib],
    ['holds the whole envelope, however small it should be', { partBytes: kib }, 60_000, 0, 1_500],
    ['is all of a batch where that has gone before', { partBytes: 64 * kib }, 60_000, 0, 60_000],
    ['ends with the batch', { partBytes: 64 * kib, continues: true }, 60_000, 50_000, 60_000],
    ['is small where no second one was taken yet', { partBytes: 64 * kib }, 60_000, 30_000, 30_000 + 4 * kib],
    ['has 32 KiB of a large batch', { partBytes: 64 * kib }, 200_000, 0, 32 * kib],
    ['is all of a batch where nothing may follow', { wholeOnly: true }, 200_000, 0, 200_000],
    [
      'has 8 KiB in small packets',
      { partBytes: 64 * kib, smallFor: 3, continues: true },
      60_000,
      8_000,
      8_000 + 8 * kib,
    ],
  ])('%s', (_, form, batch, held, end) => {
    expect(partEnd({ ...unknownForm, ...form }, batch, held, 1_500)).toBe(end)
  })
})

describe('the form of a way', () => {
  it('grows fourfold with each body that is confirmed, however slow the line', () => {
    const once = afterTaken(unknownForm, taken(4 * kib, 9_000, true))
    expect(once.partBytes).toBe(16 * kib)
    expect(afterTaken(once, taken(16 * kib, 30_000, true)).partBytes).toBe(64 * kib)
  })

  it.each([
    ['twofold where it is fast', 100, 8 * kib],
    ['twofold where it is slow', 1_500, 8 * kib],
    ['not where it is slower', 5_000, 4 * kib],
    ['back where it is too slow', 20_000, 2 * kib],
  ])('grows without confirmations: %s', (_, tookMs, partBytes) => {
    expect(afterTaken(unknownForm, taken(4 * kib, tookMs)).partBytes).toBe(partBytes)
  })

  it('does not grow by a batch that was smaller than a part', () => {
    expect(afterTaken(unknownForm, taken(2_000, 10)).partBytes).toBe(4 * kib)
  })

  it('goes to small packets where nothing of a body arrives, grows in them, and tries full ones again, ever later', () => {
    let form = afterStuck(unknownForm, stuck())
    expect(form).toMatchObject({ smallFor: 16, partBytes: kib })
    const sizes = [1, 2, 3, 4].map(() => {
      form = afterTaken(form, taken(form.partBytes, 300))
      return form.partBytes
    })
    expect(sizes).toEqual([2 * kib, 4 * kib, 8 * kib, 8 * kib])
    for (let i = 0; i < 12; i++) form = afterTaken(form, taken(8 * kib, 300))
    expect(form).toMatchObject({ smallFor: 0, partBytes: 4 * kib })
    expect(afterStuck(form, stuck()).smallFor).toBe(64)
  })

  it('risks half where something of a body arrived', () => {
    expect(
      afterStuck({ ...unknownForm, partBytes: 64 * kib }, stuck({ bytes: 32 * kib, arrived: true })),
    ).toMatchObject({
      smallFor: 0,
      partBytes: 16 * kib,
    })
  })

  it('gives half after a connection that ended as a body began, and does not grow beyond for 16 bodies', () => {
    let form = afterStuck(
      { ...unknownForm, partBytes: 16 * kib },
      stuck({ bytes: 16 * kib, silent: false, isIdle: true }),
    )
    expect(form.partBytes).toBe(8 * kib)
    for (let i = 0; i < 15; i++) form = afterTaken(form, taken(form.partBytes, 10))
    expect(form.partBytes).toBe(8 * kib)
    expect(afterTaken(form, taken(8 * kib, 10)).partBytes).toBe(16 * kib)
  })

  it('gives less where somebody hangs up on a body, in packets as before', () => {
    const form = afterStuck(
      { ...unknownForm, partBytes: 64 * kib },
      stuck({ bytes: 40 * kib, silent: false }),
    )
    expect(form).toMatchObject({ smallFor: 0, partBytes: 10 * kib })
  })

  it('gives a batch whole when what follows a part is cut off twice, and not after one line that broke', () => {
    const cut = stuck({ continued: true, silent: false })
    const once = afterStuck(unknownForm, cut)
    expect(once.wholeOnly).toBe(false)
    expect(afterStuck(once, cut).wholeOnly).toBe(true)
    expect(afterStuck(afterTaken(once, taken(4 * kib, 10, false, true)), cut).wholeOnly).toBe(false)
  })

  it.each<[string, Partial<Form>, [status: number, bytes: number, continued: boolean], Partial<Form>]>([
    ['what follows a part is refused: whole', {}, [405, 4 * kib, true], { wholeOnly: true }],
    ['what follows a part is not known: whole', {}, [404, 4 * kib, true], { wholeOnly: true }],
    ['a part is refused: whole', {}, [403, 4 * kib, false], { wholeOnly: true }],
    ['a whole batch is refused: in parts', { wholeOnly: true }, [403, 60_000, false], { wholeOnly: false }],
    [
      'a body is too large: a quarter',
      { partBytes: 64 * kib },
      [413, 60_000, false],
      { partBytes: 15_000, capBytes: 30_000, capFor: 256 },
    ],
    [
      'a body takes too long: a quarter',
      { partBytes: 32 * kib },
      [408, 32 * kib, true],
      { partBytes: 8 * kib, capBytes: 16 * kib, capFor: 256 },
    ],
    [
      'a server times out: a quarter',
      { partBytes: 32 * kib },
      [504, 32 * kib, true],
      { partBytes: 8 * kib, capBytes: 16 * kib, capFor: 256 },
    ],
    ['nobody is behind the server: as before', {}, [502, 4 * kib, false], {}],
    ['the server takes nothing now: as before', {}, [503, 4 * kib, true], {}],
  ])('when %s', (_, before, [status, bytes, continued], after) => {
    const form = { ...unknownForm, ...before }
    expect(afterRefused(form, { status, bytes, continued })).toEqual({ ...form, ...after })
  })

  it.each<[string, number, number]>([
    ['a page', 200, 256],
    ['a failure of the server', 500, 256],
    ['nobody behind the server', 502, 16],
    ['a server that takes nothing now', 503, 16],
  ])('takes %s for a word on the size where smaller bodies were just taken', (_, status, capFor) => {
    const form = { ...unknownForm, partBytes: 32 * kib }
    const refused = { status, bytes: 32 * kib, continued: true }
    const half = { partBytes: 16 * kib, capBytes: 16 * kib, capFor }
    expect(afterRefused(form, { ...refused, heard: true })).toEqual({ ...form, ...half })
    expect(afterRefused(form, refused).capFor).toBe(0)
    // A small one was refused for another reason.
    expect(afterRefused(form, { ...refused, bytes: 4 * kib, heard: true }).capFor).toBe(0)
  })

  it('goes whole where what follows a part is spoiled, and in small parts where a large body is', () => {
    const spoiled = { status: 400, spoiled: true }
    const whole = afterRefused(unknownForm, { ...spoiled, bytes: 8 * kib, continued: true })
    expect(whole.wholeOnly).toBe(true)
    const small = { wholeOnly: false, partBytes: 4 * kib, capBytes: 4 * kib, capFor: 256 }
    expect(afterRefused(whole, { ...spoiled, bytes: 60_000, continued: false })).toMatchObject(small)
  })

  it('does not grow again to what was refused for its size, for 256 bodies', () => {
    let form = afterRefused(
      { ...unknownForm, partBytes: 32 * kib },
      { status: 413, bytes: 32 * kib, continued: true },
    )
    for (let i = 0; i < 255; i++) form = afterTaken(form, taken(form.partBytes, 10))
    expect(form.partBytes).toBe(16 * kib)
    expect(afterTaken(form, taken(form.partBytes, 10)).partBytes).toBe(32 * kib)
  })

  it('risks little after a failure', () => {
    expect(afterFailure({ ...unknownForm, partBytes: 64 * kib }).partBytes).toBe(4 * kib)
    expect(afterFailure({ ...unknownForm, partBytes: kib }).partBytes).toBe(kib)
  })

  it('uses the other kind of address where one connects and is silent, and both again when that is silent too', () => {
    const other = afterMute(unknownForm, 6)
    expect(other).toMatchObject({ family: 4, shortHello: true })
    expect(afterMute(other, 4)).toMatchObject({ family: null, shortHello: false })
    expect(afterMute(unknownForm, null).family).toBeNull()
  })

  it('always lets something go, and never more than is there', () => {
    const event = fc.oneof(
      fc.record({
        bytes: fc.nat(70_000),
        tookMs: fc.nat(60_000),
        confirmed: fc.boolean(),
        continued: fc.boolean(),
      }),
      fc.record({
        bytes: fc.nat(70_000),
        arrived: fc.boolean(),
        continued: fc.boolean(),
        silent: fc.boolean(),
      }),
      fc.record({
        bytes: fc.nat(70_000),
        status: fc.integer({ min: 400, max: 599 }),
        continued: fc.boolean(),
      }),
    )
    const next = (form: Form, each: object): Form => {
      if ('tookMs' in each) return afterTaken(form, each as TakenBody)
      return 'silent' in each ? afterStuck(form, each as StuckBody) : afterRefused(form, each as never)
    }
    fc.assert(
      fc.property(fc.array(event), fc.integer({ min: 1, max: 300_000 }), fc.nat(), (events, batch, at) => {
        const form = events.reduce(next, unknownForm)
        const held = at % batch
        const end = partEnd(form, batch, held, 1_500)
        expect(end).toBeGreaterThan(held)
        expect(end).toBeLessThanOrEqual(batch)
        expect(form.bytesPerMs ?? 1).toBeGreaterThan(0)
      }),
      { numRuns: cases(300, 10_000) },
    )
  })
})
