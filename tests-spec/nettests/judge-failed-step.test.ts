import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { failedStepQuestions, failedStepRules } from './judge-failed-step.ts'
import { steps } from './verdict.ts'

/** The numbered questions of the page, and the rules that each names. */
function questionsOf(page: string) {
  const section = /^## A failed step$([\s\S]*?)^## /m.exec(page)?.[1] ?? ''
  return [...section.matchAll(/^(\d+)\. ([\s\S]*?)(?=^\d+\. |^\S|$(?![\s\S]))/gm)].map(
    ([, number, text = '']) => ({
      number: Number(number),
      rules: new Set([...text.matchAll(/`(\w+)`/g)].flatMap(([, word = '']) => rulesNamed(word))),
    }),
  )
}

/** `link_down` is a verdict as well, and is then named by its rule. */
function rulesNamed(word: string): string[] {
  const each = word.startsWith('STEP_') ? steps.map((step) => word.replace('STEP', step)) : [word]
  return each.filter((rule) => failedStepRules.some((known) => known === rule))
}

const page = readFileSync(new URL('verdict.md', import.meta.url), 'utf8')

describe('the page and the rules of a failed step', () => {
  it('ask the same questions in the same order, and answer by the same rules', () => {
    const asked = failedStepQuestions.map(({ number, rules }) => ({ number, rules: new Set<string>(rules) }))
    expect(questionsOf(page)).toEqual(asked)
  })

  it('have every rule in some question, in the order of the list', () => {
    const spoken = [...new Set(failedStepQuestions.flatMap(({ rules }) => rules))]
    expect(new Set(spoken)).toEqual(new Set(failedStepRules))
    const first = (rule: string) =>
      failedStepQuestions.findIndex(({ rules }) => rules.some((each) => each === rule))
    const places = failedStepRules.map(first)
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  it('would differ if the page left a rule out', () => {
    const without = questionsOf(page.replace('`interrupted`', 'that'))
    expect(without[2]).toEqual({ number: 3, rules: new Set() })
  })
})
