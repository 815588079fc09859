import { describe, expect, it } from 'vitest'
import { unknownLife } from './flow-life.ts'
import { unknownForm } from './form.ts'
import { patienceFor } from './patience.ts'
import { noStalls } from './stall.ts'

const way = { stalls: noStalls, life: unknownLife, form: unknownForm }
const body = Buffer.alloc(4_096)

describe('patienceFor()', () => {
  it('ends every exchange, however often a byte moves: a question soon, a body by its size and the speed of the way', () => {
    expect(patienceFor(way, 20, {}).totalMs).toBe(28_000)
    expect(patienceFor(way, 20, { body }).totalMs).toBe(28_000 + 2 * 4_096)
    const fast = { ...way, form: { ...unknownForm, bytesPerMs: 12 } }
    expect(patienceFor(fast, 20, { body: Buffer.alloc(60_000) }).totalMs).toBe(48_000)
  })

  it('takes a new way for one of 16 kbit/s', () => {
    expect(patienceFor(way, 20, { body }).bytesPerMs).toBe(2)
  })

  it('sends packets that fit any path where full ones stall, and only there', () => {
    expect(patienceFor(way, 20, { body }).packets).toBeNull()
    const narrow = { ...way, form: { ...unknownForm, smallFor: 3, pauseMs: 50 } }
    expect(patienceFor(narrow, 20, { body }).packets).toEqual({ firstBytes: 600, bytes: 1_000, pauseMs: 50 })
  })
})
