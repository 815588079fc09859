import { describe, expect, it } from 'vitest'
import { readCommand } from './command.ts'

describe('readCommand()', () => {
  it('writes below the checkout unless told otherwise', () => {
    expect(readCommand(['mali-2018'], '/checkout')).toMatchObject({
      evening: { name: 'mali-2018' },
      labs: 12,
      out: '/checkout/.sonde/replay/mali-2018',
    })
    expect(readCommand(['--labs', '1', 'mali-2018', '--out', '/elsewhere'], '/checkout')).toMatchObject({
      labs: 1,
      out: '/elsewhere',
    })
  })

  it.each([
    ['nothing', []],
    ['an evening that is not known', ['mali-2017']],
    ['two evenings', ['mali-2018', 'mali-2018']],
    ['no laboratory at all', ['mali-2018', '--labs', '0']],
    ['a part of a laboratory', ['mali-2018', '--labs', '1.5']],
    ['laboratories in words', ['mali-2018', '--labs', 'many']],
    ['an option without its value', ['mali-2018', '--out']],
    ['an option that is not known', ['mali-2018', '--fast']],
  ])('refuses %s', (_what, argv) => {
    expect(readCommand(argv, '/checkout')).toBeNull()
  })
})
