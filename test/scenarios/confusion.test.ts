import { expect, it } from 'vitest'
import { Confusion } from './confusion.ts'

it('counts what was said against what was so, and names what was missed', () => {
  const confusion = new Confusion()
  confusion.note('the address is dropped', 'interfered with', 'anomaly')
  confusion.note('the port is dropped', 'interfered with', 'undetermined')
  confusion.note('the port is dropped', 'left alone', 'ok')
  confusion.note('a captcha', 'left alone', 'anomaly')
  const cells = confusion
    .table()
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/))
  expect(cells[0]).toEqual(['ok', 'anomaly', 'link_down', 'undetermined'])
  expect(cells.slice(1, 3)).toEqual([
    ['interfered with', '0', '1', '0', '1'],
    ['left alone', '1', '1', '0', '0'],
  ])
  expect(cells.slice(4).flat()).toEqual([
    'Interfered with, and no anomaly:',
    'the port is dropped: undetermined',
  ])
})
