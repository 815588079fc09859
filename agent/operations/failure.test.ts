import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../tests-spec/data-formats/failure.ts'
import { alertOf, failureOf, type Operation } from './failure.ts'
import { noHttp } from './wire.ts'

const system = (name: keyof typeof constants.errno, syscall = 'read') =>
  Object.assign(new Error(`${syscall} ${name} 192.0.2.1:443`), {
    code: name,
    errno: -constants.errno[name],
    syscall,
  })

const openSsl = (packed: string, code = 'ERR_SSL_ANYTHING') =>
  Object.assign(new Error(`80FB:error:${packed}:SSL routines:some_function:some text:file.c:1:`), { code })

describe('failureOf()', () => {
  it.each<[keyof typeof constants.errno, string]>([
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'connection_reset'],
    ['ECONNABORTED', 'connection_aborted'],
    ['EHOSTUNREACH', 'host_unreachable'],
    ['ENETUNREACH', 'network_unreachable'],
    ['ENETDOWN', 'network_down'],
    ['ENETRESET', 'network_reset'],
    ['ETIMEDOUT', 'timed_out'],
    ['ENOBUFS', 'no_buffer_space'],
    ['EMSGSIZE', 'message_size'],
    ['ENOTCONN', 'not_connected'],
    ['EADDRNOTAVAIL', 'address_not_available'],
    ['EAFNOSUPPORT', 'address_family_not_supported'],
    ['EADDRINUSE', 'address_in_use'],
    ['EACCES', 'permission_denied'],
    ['EPERM', 'permission_denied'],
    ['EINVAL', 'invalid_argument'],
    ['EINTR', 'interrupted'],
    ['EAGAIN', 'operation_would_block'],
    ['EPROTONOSUPPORT', 'protocol_not_supported'],
    ['ENOPROTOOPT', 'no_protocol_option'],
    ['EPIPE', 'connection_already_closed'],
    ['EMFILE', 'too_many_open_files'],
    ['ENFILE', 'too_many_open_files'],
  ])('calls %s %s in every operation', (name, failure) => {
    const operations: Operation[] = ['connect', 'tls_handshake', 'http_round_trip', 'resolve', 'read']
    for (const operation of operations) expect(failureOf(system(name), operation)).toBe(failure)
  })

  it('tells a FIN from a reset by the missing number', () => {
    const fin = Object.assign(new Error('socket disconnected'), { code: 'ECONNRESET' })
    expect(failureOf(fin, 'tls_handshake')).toBe('eof_error')
    expect(failureOf(system('ECONNRESET'), 'tls_handshake')).toBe('connection_reset')
  })

  it.each([
    ['0A000410', 'ssl_failed_handshake', 40],
    ['0A00042E', 'ssl_failed_handshake', 70],
    ['0A000438', 'ssl_failed_handshake', 80],
    ['0A000458', 'ssl_invalid_hostname', 112],
    ['0A00045C', 'ssl_failed_handshake', 116],
    ['0A000460', 'ssl_failed_handshake', 120],
    ['0A00010B', 'ssl_not_tls', null],
    ['0A00009C', 'ssl_not_tls', null],
    ['0A000102', 'ssl_failed_handshake', null],
    ['0680007B', 'ssl_failed_handshake', null],
  ])('reads OpenSSL %s as %s, alert %s', (packed, failure, alert) => {
    for (const operation of ['tls_handshake', 'http_round_trip'] as const) {
      expect(failureOf(openSsl(packed), operation)).toBe(failure)
    }
    expect(alertOf(openSsl(packed))).toBe(alert)
  })

  it('prefers what OpenSSL says to the EPROTO around it', () => {
    const error = Object.assign(openSsl('0A000410', 'EPROTO'), { errno: -constants.errno.EPROTO })
    expect(failureOf(error, 'tls_handshake')).toBe('ssl_failed_handshake')
  })

  it.each<[Error, string]>([
    [noHttp(), 'http_invalid_response'],
    [new DOMException('aborted', 'AbortError'), 'interrupted'],
  ])('knows %s', (error, failure) => {
    expect(failureOf(error, 'http_round_trip')).toBe(failure)
  })

  it.each([
    ['a message with an address', new Error('no route to 10.0.0.1:443 now'), 'no route to [scrubbed] now'],
    ['IPv6', new Error('bad 2001:db8::1.'), 'bad [scrubbed]'],
    ['IPv6 with a port', new Error('bad [2001:db8::1]:443'), 'bad [scrubbed]'],
    ['IPv6 with a port as Node.js writes it', new Error('bad 2001:db8:1:2:3:4:5:6:443'), 'bad [scrubbed]'],
    ['no address at all', new Error('dead beef: at 12:30, v1.2.3'), 'dead beef: at 12:30, v1.2.3'],
    ['several lines', new Error('one\n\ttwo'), 'one two'],
    ['a code', Object.assign(new Error('what'), { code: 'ERR_ODD' }), 'ERR_ODD what'],
    ['a string', 'plainly', 'plainly'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
  ])('keeps the words of what it does not know, without addresses: %s', (_what, error, words) => {
    const failure = failureOf(error, 'connect')
    expect(failure).toBe(`unknown_failure: ${words}`)
    expect(isFailure(failure)).toBe(true)
  })

  it('keeps them short', () => {
    expect(failureOf(new Error('x'.repeat(10_000)), 'connect').length).toBeLessThan(250)
  })
})
