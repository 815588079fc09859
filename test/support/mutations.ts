// Inputs for fuzzing: random bytes, and valid messages with a few edits, which get further into a parser than random
// bytes do. They are arbitraries of fast-check, so that a failure is shrunk to the fewest edits and can be run again.

import fc from 'fast-check'

/** One edit of a message at one place. */
type Edit = (bytes: Buffer, at: number) => Buffer

const splice = (bytes: Buffer, at: number, remove: number, insert: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])

/** Numbers at the limits of what lengths, counts and pointers can be. */
const edges = [0, 1, 2, 3, 4, 7, 8, 0x0f, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xfe, 0xff]

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.constantFrom(...edges).map(
    (value): Edit =>
      (bytes, at) =>
        splice(bytes, at, 1, Buffer.from([value])),
  ),
  fc.integer({ min: 0, max: 7 }).map(
    (bit): Edit =>
      (bytes, at) => {
        const flipped = (bytes[at] ?? 0) ^ (1 << bit)
        return splice(bytes, at, 1, Buffer.from([flipped]))
      },
  ),
  fc.integer({ min: 1, max: 40 }).map(
    (count): Edit =>
      (bytes, at) =>
        splice(bytes, at, count, Buffer.alloc(0)),
  ),
  fc.uint8Array({ maxLength: 40 }).map(
    (more): Edit =>
      (bytes, at) =>
        splice(bytes, at, 0, more),
  ),
  fc.constant<Edit>((bytes, at) => bytes.subarray(0, at)),
  fc.integer({ min: 2, max: 30 }).map(
    (times): Edit =>
      (bytes, at) => {
        const piece = bytes.subarray(at, at + 16)
        return splice(bytes, at, 0, Buffer.concat(Array.from({ length: times }, () => piece)))
      },
  ),
)

/** Bytes: no operation reads more of an answer at once. */
const maxLength = 70_000

/** One to six edits at random places, for messages that are not known beforehand. */
export const mutation: fc.Arbitrary<(message: Uint8Array) => Buffer> = fc
  .array(fc.record({ change: edit, where: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((edits) => (message: Uint8Array) => {
    let bytes: Buffer = Buffer.from(message)
    for (const { change, where } of edits) bytes = change(bytes, Math.floor(where * bytes.length))
    return bytes.subarray(0, maxLength)
  })

/** Mutations of `valid`, and now and then random bytes. */
export function hostileBytes(...valid: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  const mutated = fc
    .record({ message: fc.constantFrom(...valid), mutate: mutation })
    .map(({ message, mutate }) => mutate(message))
  return fc.oneof({ arbitrary: mutated, weight: 6 }, { arbitrary: random, weight: 1 })
}
