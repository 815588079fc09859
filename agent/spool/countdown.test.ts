import { describe, expect, it } from 'vitest'
import { handTimer } from '../../test/support/sample-spool.ts'
import { Countdown } from './countdown.ts'

function counted() {
  const { timer, waiting, run } = handTimer()
  let ended = 0
  const countdown = new Countdown(timer, 30_000, () => ended++)
  return { countdown, waiting, run, ended: () => ended }
}

describe('Countdown', () => {
  it('ends once, however often it was started', () => {
    const { countdown, waiting, run, ended } = counted()
    countdown.start()
    countdown.start()
    expect(waiting()).toBe(1)
    run()
    expect([ended(), waiting()]).toEqual([1, 0])
  })

  it('can be started again when it has ended, and by what it ends in', () => {
    const { timer, waiting, run } = handTimer()
    const countdown: Countdown = new Countdown(timer, 1, () => countdown.start())
    countdown.start()
    run()
    expect(waiting()).toBe(1)
  })

  it('does not end when it was stopped, and can be started anew', () => {
    const { countdown, waiting, run, ended } = counted()
    countdown.start()
    countdown.stop()
    countdown.stop()
    expect(waiting()).toBe(0)
    run()
    expect(ended()).toBe(0)
    countdown.start()
    run()
    expect(ended()).toBe(1)
  })
})
