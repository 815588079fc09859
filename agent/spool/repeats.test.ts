import { describe, expect, it } from 'vitest'
import { repeatsIn } from './repeats.ts'

/** Records from lines of the form `n target outcome`. */
function records(lines: string) {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [n, input = '', verdict] = line.trim().split(' ')
      const test_keys = { x_sonde_verdict: { verdict, step: null, how: null } }
      const measurement = { test_name: 'web_connectivity', input, test_keys }
      return { n: Number(n), json: Buffer.from(JSON.stringify({ class: 'anomaly', measurement })) }
    })
}

describe('repeatsIn()', () => {
  it('leaves the first and the last of each row, by number and not by place', () => {
    expect(
      repeatsIn(
        records(`
          1 one anomaly
          9 one anomaly
          2 one anomaly
          3 two anomaly
          4 one anomaly
          5 two anomaly`),
      ).sort(),
    ).toEqual([2, 4])
  })

  it('keeps every change, and both ends of what lies between changes', () => {
    const found = repeatsIn(
      records(`
        1 one anomaly
        2 one anomaly
        3 one anomaly
        4 one ok
        5 one anomaly
        6 one anomaly
        7 one anomaly
        8 one undetermined
        9 one ok`),
    )
    expect(found).toEqual([2, 6])
  })

  it('finds no repeats in rows of two, or of nothing', () => {
    expect(repeatsIn(records('1 one ok\n2 one ok\n3 two ok'))).toEqual([])
    expect(repeatsIn([])).toEqual([])
  })

  it.each(['', 'null', '{}', '{"measurement":{"test_name":"x"}}'])(
    'never gives up what it cannot read (%j)',
    (text) => {
      const unknown = [4, 5, 6].map((n) => ({ n, json: Buffer.from(text) }))
      expect(repeatsIn([...records('1 one ok\n2 one ok\n3 one ok'), ...unknown])).toEqual([2])
    },
  )
})
