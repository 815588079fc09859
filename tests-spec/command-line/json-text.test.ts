import { expect, it } from 'vitest'
import { parseJsonText } from './json-text.ts'

it.each([
  ['{"a": [1, -2.5e3, "x\\n\\u00e9", true, null]}', { a: [1, -2500, 'x\né', true, null] }],
  ['\uFEFF{}', {}],
  [' 1\r\n', 1],
])('parseJsonText() reads %j', (text, value) => {
  expect(parseJsonText(text)).toEqual({ ok: true, value })
})

it.each([
  ['', 1, 1, 'expected a value, and the file ends'],
  ['\uFEFF', 1, 1, 'expected a value, and the file ends'],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected a comma or }'],
  ['{\r\n  "é": 1,\r\n}', 3, 1, 'one comma too many'],
  ['[1, 2,]', 1, 7, 'one comma too many'],
  ['[1 2]', 1, 4, 'expected a comma or ]'],
  ['{"a" 1}', 1, 6, 'expected a colon'],
  ['{a: 1}', 1, 2, 'expected a name in double quotation marks'],
  ["{'a': 1}", 1, 2, 'expected a name in double quotation marks'],
  ["['a']", 1, 2, 'expected double quotation marks'],
  ['[01]', 1, 2, 'expected a value'],
  ['[NaN]', 1, 2, 'expected a value'],
  ['[nul]', 1, 2, 'expected a value'],
  ['[truely]', 1, 2, 'expected a value'],
  ['{\n // why\n}', 2, 2, 'expected a name in double quotation marks'],
  ['[\n // why\n]', 2, 2, 'JSON has no comments'],
  ['["a\nb"]', 1, 2, 'this text is not closed'],
  ['["a', 1, 2, 'this text is not closed'],
  ['["a\tb"]', 1, 4, 'a control character has to be written as \\u00…'],
  ['["é😀\\x"]', 1, 5, 'after \\ only " \\ / b f n r t or u and four hex digits'],
  ['{} {}', 1, 4, 'expected nothing more'],
  ['{"a": {"b": [1, {"c": ]}]}}', 1, 23, 'expected a value'],
  ['{"a": 1', 1, 8, 'expected a comma or }, and the file ends'],
  [`${'['.repeat(100_000)}`, 1, 502, 'is nested too deeply'],
] as const)('parseJsonText() says where %j is no JSON', (text, line, column, what) => {
  expect(parseJsonText(text)).toEqual({ ok: false, line, column, what })
})

it('parseJsonText() finds a place in whatever JSON.parse refuses', () => {
  const whole = '{"a":[1,-0.5e+2,"\\u00e9\\\\",true,{"b":null}],"c":"d"}'
  for (let i = 0; i < whole.length; i++) {
    for (const broken of [
      whole.slice(0, i),
      `${whole.slice(0, i)}${whole.slice(i + 1)}`,
      `${whole.slice(0, i)}?${whole.slice(i)}`,
    ]) {
      const reading = parseJsonText(broken)
      if (!reading.ok) expect(reading.what, broken).not.toBe('cannot be read as JSON')
      expect(reading.ok || reading.column <= broken.length + 1, broken).toBe(true)
    }
  }
})
