// How fuzz tests run: how many cases, in which order, and what must hold in every case. Pure parsers are tested by
// fast-check's properties; operations over real sockets by its samples, several at a time, because one after the
// other they would spend their time waiting.

import net from 'node:net'
import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import { expect } from 'vitest'
import { isFailure } from '../../tests-spec/data-formats/failure.ts'
import { serveTcp } from './loopback.ts'

/** A deep run is long and has another seed each time; the usual run is the same everywhere. */
const deep = process.env.SONDE_DEEP === '1'
/** The seed is shown when a case fails. */
export const seed = deep ? Math.floor(performance.timeOrigin % 2 ** 31) : 20_180_729

/** @returns `usual` cases, or `long` ones in a deep run. */
export const cases = (usual: number, long: number) => (deep ? long : usual)

/** Inputs of a parser that reads what strangers send, in a deep run. */
export const manyInputs = 1_000_000
/** For a test of as many, in milliseconds: the slowest takes a millisecond for each on a busy machine. */
export const fuzzTimeoutMs = deep ? 3_600_000 : 60_000

/** Runs `check` on each of `count` inputs. It must not throw, nor take longer than a parser may. */
export function fuzz<T>(arbitrary: fc.Arbitrary<T>, count: number, check: (input: T) => void): void {
  const property = fc.property(arbitrary, (input) => {
    const begun = performance.now()
    check(input)
    expect(performance.now() - begun).toBeLessThan(parserLimitMs)
  })
  fc.assert(property, { numRuns: count, seed })
}

/** The limit is generous: it must find a parser that loops, and the machine may be busy. */
const parserLimitMs = 1_000

/** How many operations over sockets run at the same time. */
const width = 12
/**
 * Time for each operation in milliseconds. It is long enough for an answer over loopback, and short enough to be
 * waited for in a few per cent of the cases.
 */
export const timeoutMs = 150
/** By how many milliseconds an operation may be late on a busy machine. */
const latenessMs = 3_000

/** Runs `operate` on each of `count` inputs, several at a time; each must end before its deadline. */
export async function fuzzSockets<T>(
  arbitrary: fc.Arbitrary<T>,
  count: number,
  open: () => Promise<(input: T) => Promise<unknown>>,
): Promise<void> {
  const waiting = fc.sample(arbitrary, { numRuns: count, seed })
  const worker = async () => {
    const operate = await open()
    for (let input = waiting.pop(); input !== undefined; input = waiting.pop()) {
      const begun = performance.now()
      try {
        await operate(input)
      } catch (cause) {
        throw new Error(`Failed with seed ${seed} on ${fc.stringify(input)}`, { cause })
      }
      expect(performance.now() - begun, fc.stringify(input)).toBeLessThan(timeoutMs + latenessMs)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
}

export function expectFailureOrNull(failure: string | null): void {
  expect(failure === null || isFailure(failure), String(failure)).toBe(true)
}

/**
 * What a server does with a connection once the first bytes have come: it sends these bytes, in two pieces, and ends
 * like this.
 */
export interface Script {
  readonly bytes: Uint8Array
  readonly cutAt: number
  readonly end: 'fin' | 'reset' | 'silence'
}

export function scripts(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Script> {
  const end = fc.oneof(
    { arbitrary: fc.constant('fin' as const), weight: 60 },
    { arbitrary: fc.constant('reset' as const), weight: 37 },
    // Each silence costs the whole deadline.
    { arbitrary: fc.constant('silence' as const), weight: 3 },
  )
  return fc.record({ bytes, cutAt: fc.nat(400), end })
}

/**
 * A server that follows the script it was last given.
 * @returns A function that gives it the next script and connects to it.
 */
export async function scriptedServer(): Promise<(script: Script) => Promise<net.Socket>> {
  let script: Script = { bytes: Buffer.alloc(0), cutAt: 0, end: 'fin' }
  const server = await serveTcp((socket) => {
    const { bytes, cutAt, end } = script
    socket.once('data', () => {
      socket.write(bytes.subarray(0, cutAt))
      setImmediate(() => {
        if (socket.destroyed) return
        socket.write(bytes.subarray(cutAt), () => {
          if (end === 'reset') socket.resetAndDestroy()
          else if (end === 'fin') socket.end()
        })
      })
    })
  })
  return async (next) => {
    script = next
    const socket = net.connect({ host: server.ip, port: server.port })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    return socket
  }
}
