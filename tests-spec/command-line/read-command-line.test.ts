import { describe, expect, it } from 'vitest'
import type { ProgramWords } from './command-words.ts'
import { readCommandLine } from './read-command-line.ts'

const state = {
  name: 'state',
  value: { name: 'DIR', kind: 'dir' },
  variable: 'X_STATE',
  help: 'where',
} as const
const program: ProgramWords = {
  name: 'x',
  summary: 'does things.',
  exits: [],
  commands: [
    {
      name: 'serve',
      summary: 'serve',
      operands: [],
      options: [
        { ...state, required: true },
        {
          name: 'port',
          short: 'p',
          value: {
            name: 'PORT',
            kind: 'text',
            check: (text) => (/^\d+$/.test(text) ? null : 'a number'),
          },
          variable: 'X_PORT',
          help: 'where',
        },
        { name: 'helper', help: 'be one' },
        { name: 'resolver', value: { name: 'IP', kind: 'text' }, needs: 'helper', help: 'whom' },
        { name: 'log', value: { name: 'LEVEL', kind: ['info', 'warn'] }, help: 'how much' },
      ],
    },
    {
      name: 'check',
      summary: 'check files',
      operands: [{ name: 'FILE', kind: 'file', count: 'one or more' }],
      options: [
        state,
        { name: 'key', value: { name: 'KEY', kind: 'text' }, repeated: true, help: 'whose' },
        { name: 'json', help: 'for programs' },
        { name: 'csv', excludes: 'json', help: 'for tables' },
      ],
    },
    {
      name: 'move',
      summary: 'move',
      operands: [
        { name: 'FROM', kind: 'file', count: 'one' },
        { name: 'TO', kind: 'file', count: 'one or none' },
        { name: 'PIN', kind: 'text', count: 'one or none', secret: true, check: () => 'four digits' },
      ],
      options: [],
    },
  ],
}
const read = (line: string, environment: Record<string, string> = {}) =>
  readCommandLine(program, line.split(' ').filter(Boolean), environment)

function given(line: string, environment: Record<string, string> = {}) {
  const reading = read(line, environment)
  if (reading.kind !== 'command') throw new Error(JSON.stringify(reading))
  return reading.given
}

describe('readCommandLine()', () => {
  it('finds options anywhere, with a blank or =', () => {
    const { operands, value, values, has } = given('--state=/b check f --json --key=K g --key L')
    expect(operands).toEqual(['f', 'g'])
    expect([value('state'), values('key'), has('json')]).toEqual(['/b', ['K', 'L'], true])
  })

  it('takes what follows -- and - for operands', () => {
    expect(given('check - -- --json -x').operands).toEqual(['-', '--json', '-x'])
  })

  it('takes from a variable what the line leaves open', () => {
    const environment = { X_STATE: '/e', X_PORT: '' }
    const serve = given('serve', environment)
    expect([serve.value('state'), serve.said('state'), serve.value('port')]).toEqual(['/e', null, null])
    expect(given('serve --state /s -p 7', environment).value('state')).toBe('/s')
    expect(given('serve --state /s -p 7').value('port')).toBe('7')
  })

  it('has no answer for an option that is not in the table', () => {
    expect(() => given('move a').has('json')).toThrow('move takes no --json')
  })

  it.each([
    ['--help', { kind: 'help', command: null }],
    ['help', { kind: 'help', command: null }],
    ['-h', { kind: 'help', command: null }],
    ['help check', { kind: 'help', command: program.commands[1] }],
    ['check --help --wrong', { kind: 'help', command: program.commands[1] }],
    ['--version', { kind: 'version' }],
    ['serve -V', { kind: 'version' }],
    ['completion zsh', { kind: 'completion', shell: 'zsh' }],
  ])('reads %s', (line, reading) => {
    expect(read(line)).toEqual(reading)
  })

  it.each([
    ['', ['Say what to do: serve, check, move, help, completion.']],
    ['chekc f', ['There is no command "chekc". Did you mean check?']],
    ['fly', ['There is no command "fly". See x help.']],
    ['chekc --help', ['There is no command "chekc". Did you mean check?']],
    [
      'help chekc',
      ['COMMAND cannot be "chekc": expected serve, check, move, help, completion. Did you mean check?'],
    ],
    ['serve', ['serve wants --state DIR, or X_STATE in the environment.']],
    [
      'serve --sate /s',
      [
        'There is no option --sate. Did you mean --state?',
        'serve wants --state DIR, or X_STATE in the environment.',
      ],
    ],
    ['serve --state', ['--state wants DIR after it.']],
    ['serve --state --helper', ['--state wants DIR after it.']],
    ['serve --state=', ['--state wants DIR after it.']],
    ['serve --state /s --helper=yes', ['--helper takes no value.']],
    ['serve --state /s -p http', ['-p cannot be "http": expected a number.']],
    ['serve --state /s --log wran', ['--log cannot be "wran": expected info, warn. Did you mean warn?']],
    ['serve --state /s --resolver 1', ['--resolver means nothing without --helper.']],
    ['serve --state /s --json', ['serve takes no --json: it belongs to check.']],
    ['serve --state /s extra more', ['serve takes nothing after it: "extra" "more".']],
    ['check', ['FILE is missing: x check FILE...']],
    ['move', ['FROM is missing: x move FROM [TO] [PIN]']],
    [
      'move a b secret d',
      ['PIN cannot be used as it is: expected four digits.', 'move takes no more after it: "d".'],
    ],
    ['serve --state /s --state=/s', ['--state is there 2 times, and takes one DIR.']],
    ['serve --state /s -p 1 --port 2', ['--port is there 2 times, and takes one PORT.']],
    ['check f --csv --json --json', ['--json and --csv say two things: give one of them.']],
    [
      `check${'x'.repeat(90)} --\u001b[2J`,
      [`There is no command "check${'x'.repeat(75)}…". See x help.`, 'There is no option --\\u001b[2J.'],
    ],
    [
      'srve --jsn --state /s',
      ['There is no command "srve". Did you mean serve?', 'There is no option --jsn. Did you mean --json?'],
    ],
    [
      'serve -p x y --json --stat /s',
      [
        '-p cannot be "x": expected a number.',
        'serve takes no --json: it belongs to check.',
        'There is no option --stat. Did you mean --state?',
        'serve takes nothing after it: "y".',
        'serve wants --state DIR, or X_STATE in the environment.',
      ],
    ],
  ])('refuses "%s", naming every fault', (line, faults) => {
    expect(read(line)).toEqual({ kind: 'faults', faults })
  })

  it('names the variable whose value cannot be used', () => {
    expect(read('serve --state /s', { X_PORT: 'http' })).toEqual({
      kind: 'faults',
      faults: ['X_PORT cannot be "http": expected a number.'],
    })
    expect(given('serve --state /s --port 1', { X_PORT: 'http' }).value('port')).toBe('1')
  })
})
