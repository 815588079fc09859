// What a sweep came to: per line, how many anomalies where nothing is blocked, and how many of what is.

import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { type VerdictKind, verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import { verdictOf } from '../scenarios/finding.ts'

interface Cell {
  cycles: number
  /** Of the longest. */
  seconds: number
  /** Last verdicts on targets that are left alone. */
  readonly said: Record<VerdictKind, number>
  /** Of what is blocked, by way: in how many cycles it was looked at, and found. */
  readonly found: Map<string, { of: number; found: number }>
}

export class Tally {
  readonly #cells = new Map<string, Cell>()
  readonly #falseAnomalies: { readonly condition: string; readonly sentence: string }[] = []

  /** @param wayOf - How a target is blocked; null: it is left alone. */
  note(
    condition: string,
    { measurements, seconds }: { readonly measurements: readonly Measurement[]; readonly seconds: number },
    wayOf: (input: string | null) => string | null,
  ) {
    const cell = this.#cellOf(condition)
    cell.cycles += 1
    cell.seconds = Math.max(cell.seconds, seconds)
    const last = new Map(measurements.map((each) => [`${each.test_name} ${each.input ?? ''}`, each]))
    for (const each of last.values()) {
      const way = wayOf(each.input)
      const { verdict } = verdictOf(each)
      if (way === null) cell.said[verdict] += 1
      else {
        const so = cell.found.get(way) ?? { of: 0, found: 0 }
        cell.found.set(way, { of: so.of + 1, found: so.found + (verdict === 'anomaly' ? 1 : 0) })
      }
    }
    // The first look counts as well: nothing of what is sent home may accuse a network that did nothing.
    for (const each of measurements.filter(({ input }) => wayOf(input) === null)) {
      const { verdict, rule, how } = verdictOf(each)
      if (verdict === 'anomaly')
        this.#falseAnomalies.push({
          condition,
          sentence: `${each.test_name} ${each.input ?? ''}: ${rule} (${how})`,
        })
    }
  }

  /** Each anomaly that is none, in a sentence. */
  falseAnomalies(condition: string): string[] {
    return this.#falseAnomalies.flatMap((each) => (each.condition === condition ? [each.sentence] : []))
  }

  cycles(condition: string): number {
    return this.#cellOf(condition).cycles
  }

  /** Of everything that was blocked under a condition, how much was found; null when nothing was. */
  recall(condition: string): number | null {
    const all = [...this.#cellOf(condition).found.values()]
    const of = all.reduce((sum, each) => sum + each.of, 0)
    return of === 0 ? null : all.reduce((sum, each) => sum + each.found, 0) / of
  }

  /** @param ways - A column for each. */
  table(ways: readonly string[]): string {
    const line = (cells: readonly (string | number)[]) =>
      cells.map((each, index) => (index === 0 ? String(each).padEnd(10) : String(each).padStart(14))).join('')
    const head = ['', 'cycles', 'longest', ...verdictKinds, ...ways, 'recall']
    const rows = [...this.#cells].map(([condition, { cycles, seconds, said, found }]) => {
      const recall = this.recall(condition)
      const ofWay = ways.map((way) => {
        const { of, found: count } = found.get(way) ?? { of: 0, found: 0 }
        return `${count}/${of}`
      })
      const percent = recall === null ? '' : `${Math.round(recall * 100)} %`
      return line([
        condition,
        cycles,
        `${Math.round(seconds)} s`,
        ...verdictKinds.map((kind) => said[kind]),
        ...ofWay,
        percent,
      ])
    })
    return [
      'Verdicts on what is left alone, and what was found of what is blocked:',
      line(head),
      ...rows,
    ].join('\n')
  }

  #cellOf(condition: string): Cell {
    const so = this.#cells.get(condition) ?? {
      cycles: 0,
      seconds: 0,
      said: { ok: 0, anomaly: 0, link_down: 0, undetermined: 0 },
      found: new Map(),
    }
    this.#cells.set(condition, so)
    return so
  }
}
