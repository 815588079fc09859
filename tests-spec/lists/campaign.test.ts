import { describe, expect, it } from 'vitest'
import { campaignsOf } from './campaign.ts'
import core from './core.json' with { type: 'json' }
import { parseGroupList, passGate } from './group-list.ts'
import { parseTestList } from './test-list.ts'

const coreList = parseTestList(core)
const site = (input: string, category_code = 'NEWS') => ({
  nettest: 'web_connectivity',
  input,
  category_code,
})
const window = { name: 'vote', from: '2026-11-29T06:00:00Z', to: '2026-11-30T00:00:00Z', every_minutes: 5 }

function campaigns(campaign: object, entries: readonly object[] = [site('https://a.ml/')]) {
  const list = parseGroupList({ v: 1, name: 'bamako', entries, campaigns: [{ ...window, ...campaign }] })
  return campaignsOf(list, passGate(list, coreList, new Set()), coreList)
}
const inputs = (campaign: object, entries?: readonly object[]) =>
  campaigns(campaign, entries).flatMap((each) => each.entries.map(({ nettest, input }) => input ?? nettest))

describe('campaignsOf()', () => {
  it('gives the window, and all of the list where no inputs are named, the core entries that it repeats among them', () => {
    const [one] = campaigns({}, [site('https://a.ml/'), site('https://twitter.com/', 'GRP')])
    expect(one).toMatchObject({
      name: 'bamako/vote',
      fromMs: Date.parse(window.from),
      toMs: Date.parse(window.to),
      everyMs: 300_000,
    })
    expect(one?.entries.map(({ input }) => input).sort()).toEqual(['https://a.ml/', 'https://twitter.com/'])
  })

  it('finds inputs in this list and the core list, and nettests without one by their name', () => {
    const named = { inputs: ['whatsapp', 'https://twitter.com/', 'https://a.ml/', 'https://gone.ml/'] }
    expect(inputs(named).sort()).toEqual(['https://a.ml/', 'https://twitter.com/', 'whatsapp'])
  })

  it('takes nothing past the gate, and is none where nothing is left', () => {
    const entries = [site('https://bets.ml/', 'GMB'), site('https://192.168.1.1/'), site('https://a.ml/')]
    expect(inputs({}, entries)).toEqual(['https://a.ml/'])
    expect(inputs({ inputs: ['https://bets.ml/', 'https://192.168.1.1/'] }, entries)).toEqual([])
    expect(campaigns({ inputs: ['https://bets.ml/'] }, entries)).toEqual([])
  })

  it('is measured less often where it asks for more than one target in three seconds', () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => site(`https://a${n}.ml/`))
    expect(campaigns({}, many(100))[0]?.everyMs).toBe(300_000)
    expect(campaigns({}, many(101))[0]?.everyMs).toBe(303_000)
  })
})
