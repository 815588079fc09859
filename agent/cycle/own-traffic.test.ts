import { describe, expect, it } from 'vitest'
import { connect, handshake, join } from '../../test/support/observations.ts'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { OwnTraffic } from './own-traffic.ts'

describe('a line is slow', () => {
  const ofCheck = (...flows: readonly Partial<FlowFacts>[]) => {
    const traffic = new OwnTraffic()
    traffic.note(observed(flows))
    return traffic.isSlow()
  }

  it('when several hosts brought little in much time', () => {
    expect(ofCheck({ seconds: 0.5 }, { seconds: 1 }, { seconds: 0.3 })).toBe(true)
  })

  it('not by two flows alone: both may have lost a packet', () => {
    expect(ofCheck({ seconds: 0.5 }, { seconds: 1 })).toBe(false)
  })

  it('not when one of them was quick: then the other one is slow by itself', () => {
    expect(ofCheck({ seconds: 0.1 }, { seconds: 1 }, { seconds: 1 })).toBe(false)
  })

  it('not when one host alone was asked', () => {
    const host = '192.0.2.1'
    const flow = { host, seconds: 0.5 }
    expect(ofCheck(flow, flow, flow)).toBe(false)
  })

  it('not when round trips alone took the time', () => {
    const far = { connectSeconds: 3, seconds: 6.1 }
    expect(ofCheck(far, far, far)).toBe(false)
  })

  it('not when much came', () => {
    const much = { bytes: 40_000, seconds: 2 }
    expect(ofCheck(much, much, much)).toBe(false)
  })

  it('nor by answers that fit into any line, or that never came', () => {
    const small = { bytes: 300, seconds: 1 }
    const failed = { failure: 'generic_timeout_error', seconds: 10 } as const
    expect(ofCheck(small, small, small, failed, failed, failed)).toBe(false)
  })

  it('also where a full queue holds up the connects, by what a round trip took before', () => {
    const traffic = new OwnTraffic()
    traffic.note(observed([{ connectSeconds: 0.02, seconds: 0.1 }]))
    const crowded = { connectSeconds: 2, seconds: 3 }
    traffic.note(observed([crowded, crowded, crowded]))
    expect(traffic.isSlow()).toBe(true)
  })
})

describe('a task was crowded', () => {
  const slow = observed([{ seconds: 0.5 }, { seconds: 1 }, { seconds: 1 }])

  it('by another one that was under way when it began, or began meanwhile', () => {
    const traffic = new OwnTraffic()
    const first = traffic.begin()
    const second = traffic.begin()
    first.end()
    second.end()
    traffic.note(slow)
    expect([first.wasCrowded(false), second.wasCrowded(false)]).toEqual([true, true])
  })

  it('by itself, when it asks several things at once', () => {
    const traffic = new OwnTraffic()
    const alone = traffic.begin()
    alone.end()
    traffic.note(slow)
    expect([alone.wasCrowded(true), alone.wasCrowded(false)]).toEqual([true, false])
  })

  it('not by what came before or after it', () => {
    const traffic = new OwnTraffic()
    traffic.begin().end()
    const alone = traffic.begin()
    alone.end()
    traffic.begin().end()
    traffic.note(slow)
    expect(alone.wasCrowded(false)).toBe(false)
  })

  it('not when the line was known to be slow: then one thing is asked after the other', () => {
    const traffic = new OwnTraffic()
    traffic.note(slow)
    const known = traffic.begin()
    known.end()
    expect(known.wasCrowded(true)).toBe(false)
  })

  it('not on a line that is not slow', () => {
    const traffic = new OwnTraffic()
    const first = traffic.begin()
    traffic.begin().end()
    first.end()
    expect(first.wasCrowded(true)).toBe(false)
  })
})

interface FlowFacts {
  readonly host: string
  readonly bytes: number
  readonly connectSeconds: number
  readonly seconds: number
  readonly failure: Failure | null
}

/** A connect and a handshake for each, at hosts of their own unless told otherwise. */
function observed(flows: readonly Partial<FlowFacts>[]): Observations {
  const each = flows.map((flow, index) => {
    const facts = { host: `192.0.2.${index + 1}`, bytes: 2_000, connectSeconds: 0.01, failure: null, ...flow }
    const { host: ip, bytes, connectSeconds, seconds = 0.02, failure } = facts
    const { tcp_connect = [] } = connect(null, { ip, id: index })
    const { tls_handshakes = [] } = handshake(failure, { address: `${ip}:443`, id: index })
    return {
      tcp_connect: tcp_connect.map((one) => ({ ...one, t0: 0, t: connectSeconds })),
      tls_handshakes: tls_handshakes.map((one) => ({
        ...one,
        t0: connectSeconds,
        t: connectSeconds + seconds,
        x_sonde_bytes_received: bytes,
      })),
    }
  })
  return join(...each)
}
