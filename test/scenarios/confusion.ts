// What was said against what was so: the table of every scenario's verdicts, and the interferences that were not called an
// anomaly, by name.

import { type VerdictKind, verdictKinds } from '../../tests-spec/nettests/verdict.ts'

export type Truth = 'interfered with' | 'left alone'

export class Confusion {
  readonly #counts = new Map<string, number>()
  readonly #missed = new Set<string>()

  /** @param said - The last verdict of the cycle on one device. */
  note(scenario: string, truth: Truth, said: VerdictKind): void {
    const key = `${truth} ${said}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    if (truth === 'interfered with' && said !== 'anomaly') this.#missed.add(`${scenario}: ${said}`)
  }

  table(): string {
    const row = (name: string, cells: readonly (string | number)[]) =>
      name.padEnd(16) + cells.map((each) => String(each).padStart(14)).join('')
    const truths: readonly Truth[] = ['interfered with', 'left alone']
    const counts = (truth: Truth) => verdictKinds.map((said) => this.#counts.get(`${truth} ${said}`) ?? 0)
    const missed = [...this.#missed].sort()
    return [
      row('', verdictKinds),
      ...truths.map((truth) => row(truth, counts(truth))),
      '',
      `Interfered with, and no anomaly: ${missed.length === 0 ? 'none' : ''}`,
      ...missed.map((each) => `  ${each}`),
    ].join('\n')
  }
}
