// The lines that the sweep measures over, and the five targets that are really blocked on half of them.

import type { Rule } from '../lab/policy.ts'

export interface Condition {
  readonly name: string
  readonly rules: readonly Rule[]
}

const loss = (percent: number): Condition => ({
  name: `${percent} % loss`,
  rules: percent === 0 ? [] : [{ kind: 'loss', percent }],
})

/** Loss is of the packets each way. */
export const conditions: readonly Condition[] = [
  ...[0, 6, 12, 22, 30].map(loss),
  { name: '3 s RTT', rules: [{ kind: 'delay', oneWayMs: 1_500 }] },
  { name: '32 kbit/s', rules: [{ kind: 'line_rate', kbit: 32 }] },
]

/** A way to block, and the target of the core list that it is done to. */
export interface Block {
  readonly way: string
  readonly target: string
  readonly rule: Rule
}

export const blocks: readonly Block[] = [
  {
    way: 'DNS',
    target: 'https://x.com/',
    rule: { kind: 'resolver', name: 'x.com', answer: { address: 'notice.example' } },
  },
  {
    way: 'address',
    target: 'https://www.rfi.fr/',
    rule: { kind: 'address', site: 'www.rfi.fr', action: 'drop' },
  },
  {
    way: 'name reset',
    target: 'https://protonvpn.com/',
    rule: { kind: 'server_name', name: 'protonvpn.com', action: 'reset' },
  },
  {
    way: 'name drop',
    target: 'https://psiphon.ca/',
    rule: { kind: 'server_name', name: 'psiphon.ca', action: 'drop' },
  },
  {
    way: 'page',
    target: 'http://www.anonymizer.ru/',
    rule: { kind: 'box', site: 'www.anonymizer.ru', box: 'block_page' },
  },
]
