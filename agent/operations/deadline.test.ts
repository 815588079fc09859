import { describe, expect, it } from 'vitest'
import { startDeadline } from './deadline.ts'

describe('startDeadline()', () => {
  it('passes with generic_timeout_error when the time is over', async () => {
    const { passed } = startDeadline(new AbortController().signal, 10)
    expect(await passed).toBe('generic_timeout_error')
  })

  it('passes with interrupted when the signal is aborted, before or after', async () => {
    const stop = new AbortController()
    const { passed, clear } = startDeadline(stop.signal, 10_000)
    stop.abort()
    expect(await passed).toBe('interrupted')
    clear()
    const later = startDeadline(stop.signal, 10_000)
    expect(await later.passed).toBe('interrupted')
    later.clear()
  })

  it('says how long is left, never less than one millisecond', async () => {
    const { passed, remainingMs } = startDeadline(new AbortController().signal, 10)
    expect(remainingMs()).toBeLessThanOrEqual(10)
    await passed
    expect(remainingMs()).toBe(1)
  })

  it('leaves no timer behind when it is cleared', () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const { clear } = startDeadline(new AbortController().signal, 10_000)
    expect(timers()).toBe(before + 1)
    clear()
    expect(timers()).toBe(before)
  })
})
