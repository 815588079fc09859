// The trace of one measurement: a line an operation, in the order they began.

import { expect, it } from 'vitest'
import { measured } from '../../test/support/measured.ts'
import { connect, handshake, join, query } from '../../test/support/observations.ts'
import { traceText } from './trace-text.ts'

const seen = join(query(['21.0.0.10']), connect(null), handshake('connection_reset'))
const measurement = measured(seen, {
  verdict: {
    verdict: 'anomaly',
    rule: 'web_connectivity/tls_handshake_interfered@2',
    step: 'tls_handshake',
    how: 'connection_reset',
    because: [50_001],
  },
})

it('traceText() says the verdict, its rule, and each operation', () => {
  expect(traceText(measurement, 120, false).split('\n')).toEqual([
    'https://site.example/',
    '  anomaly  web_connectivity/tls_handshake_interfered@2: tls_handshake connection_reset',
    '   0.100 s   100 ms  resolve         site.example ANY system      21.0.0.10',
    '   0.100 s   100 ms  connect         21.0.0.10:443                ok',
    '   0.100 s   100 ms  tls_handshake   21.0.0.10:443 site.example   connection_reset',
  ])
})

it('traceText() takes two more lines on a narrow screen, and no escapes without colour', () => {
  const text = traceText(measurement, 40, false)
  for (const line of text.split('\n').slice(2)) expect(line.length).toBeLessThanOrEqual(40)
  expect(text).not.toContain('\u001b')
  expect(traceText(measurement, 120, true)).toContain('\u001b[31m')
})
