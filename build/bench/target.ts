// What the benchmark measures: a resolver and an HTTPS site on loopback, in a process of their own so that their
// processor time is not counted as the agent's. Prints its ports as one line of JSON and serves until it is killed.

import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { decode, encode } from 'dns-packet'

export interface TargetPorts {
  readonly dns: number
  readonly https: number
}

const [key = '', cert = ''] = process.argv.slice(2)

/** The resolver answers every name with this machine. */
const dns = createSocket('udp4')
dns.on('message', (message, from) => {
  const { id = 0, questions = [] } = decode(message)
  const answers = questions
    .filter(({ type }) => type === 'A')
    .map(({ name }) => ({ type: 'A' as const, name, ttl: 300, data: '127.0.0.1' }))
  dns.send(encode({ type: 'response', id, flags: 0x0180, questions, answers }), from.port, from.address)
})

/** Headers that an ordinary site sends with a page; the agent's HEAD gets these and no body. */
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'private, max-age=0',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'set-cookie': 'session=0123456789abcdef0123456789abcdef; Path=/; Secure; HttpOnly; SameSite=Lax',
}
const https = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true })
https.on('request', (request, response) => {
  response.writeHead(200, headers)
  if (request.method === 'HEAD') response.end()
  else response.end('<!doctype html><title>Target</title>')
})
// It is no error when a client hangs up.
https.on('sessionError', () => {})

dns.bind(0, '127.0.0.1', () => {
  https.listen(0, '127.0.0.1', () => {
    const ports: TargetPorts = { dns: dns.address().port, https: (https.address() as AddressInfo).port }
    console.log(JSON.stringify(ports))
  })
})
