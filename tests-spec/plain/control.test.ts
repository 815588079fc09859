// The outside view where OONI's readers would stumble: plain-form.md §6.

import { expect, it } from 'vitest'
import { noHelper } from '../nettests/web-connectivity.ts'
import { controlForOoni } from './control.ts'

it('no helper is no failure', () => {
  expect(controlForOoni({ control: null, control_failure: noHelper })).toEqual({
    control: null,
    control_failure: null,
    x_sonde_no_helper: true,
  })
})

it('a helper that failed is one', () => {
  const keys = { control: null, control_failure: 'connection_refused' }
  expect(controlForOoni(keys)).toEqual(keys)
})

it('a handshake is part of the control only beside its connect', () => {
  const handshake = { server_name: 'site.example', status: true, failure: null }
  const control = {
    tcp_connect: { '21.0.0.10:443': { status: true, failure: null } },
    tls_handshake: { '21.0.0.10:443': handshake, '22.0.0.1:443': handshake },
  }
  expect(controlForOoni({ control })).toEqual({
    control: {
      tcp_connect: control.tcp_connect,
      tls_handshake: { '21.0.0.10:443': handshake },
      x_sonde_tls_handshake: { '22.0.0.1:443': handshake },
    },
  })
  const paired = { control: { ...control, tls_handshake: { '21.0.0.10:443': handshake } } }
  expect(controlForOoni(paired)).toEqual(paired)
})
