import { expect, it } from 'vitest'
import { jsonLines } from './json-lines.ts'

it('writes a line of JSON for what is grave enough, in one order, whatever is in it', () => {
  const written: string[] = []
  const lines = jsonLines(
    'info',
    (line) => written.push(line),
    () => Date.parse('2018-07-29T20:00:00Z'),
  )
  lines.debug({}, 'not said')
  lines.info({ code: 'S1001', count: 1, none: undefined, big: 7n, 'é"\n': ['\u2028'] }, 'Said')
  lines.level = 'debug'
  lines.debug({}, 'said now')
  expect(written[0]).toBe(
    '{"level":"info","time":"2018-07-29T20:00:00.000Z","code":"S1001","count":1,"big":"7","é\\"\\n":["\u2028"],"message":"Said"}\n',
  )
  expect(written).toHaveLength(2)
  expect(lines.isLevelEnabled('error')).toBe(true)
})
