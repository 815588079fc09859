// A DNS server on loopback for the tests: real datagrams, answers by a function. Not part of any program.

import dgram from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

/**
 * The addresses to answer with (only those of the type asked for are sent), an RCODE, or the conduct of a bad server.
 */
export type SampleAnswer = readonly string[] | number | 'silence' | 'junk' | 'truncated'

/** @param nth - How often this name was asked for this type before. */
export type SampleConduct = (name: string, type: 'A' | 'AAAA', nth: number) => SampleAnswer

export interface SampleNames {
  readonly ip: string
  readonly port: number
  /** The questions as `name type`, in order. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

export async function serveNames(conduct: SampleConduct): Promise<SampleNames> {
  const asked: string[] = []
  const socket = dgram.createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, type, end } = questionOf(query)
    const key = `${name} ${type}`
    const answer = conduct(name, type, asked.filter((each) => each === key).length)
    asked.push(key)
    if (answer === 'silence') return
    const reply = answer === 'junk' ? Buffer.from('junk') : replyTo(query.subarray(0, end), type, answer)
    socket.send(reply, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { address, port } = socket.address()
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()))
  return { ip: address, port, asked, close }
}

const headerLength = 12

function questionOf(query: Buffer): { name: string; type: 'A' | 'AAAA'; end: number } {
  const labels: string[] = []
  let at = headerLength
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = query.readUInt16BE(at + 1) === 28 ? 'AAAA' : 'A'
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 }
}

/**
 * The reply repeats header and question of the query; then come the answers, each pointing at the name in the
 * question.
 */
function replyTo(
  query: Buffer,
  type: 'A' | 'AAAA',
  answer: readonly string[] | number | 'truncated',
): Buffer {
  const addresses = Array.isArray(answer) ? answer.filter((ip) => isIPv4(ip) === (type === 'A')) : []
  const head = Buffer.from(query)
  const rcode = typeof answer === 'number' ? answer : 0
  head.writeUInt16BE(0x8180 | rcode | (answer === 'truncated' ? 0x0200 : 0), 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...addresses.map(recordOf)])
}

function recordOf(ip: string): Buffer {
  const bytes = isIPv4(ip) ? Buffer.from(ip.split('.').map(Number)) : ipv6Bytes(ip)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc000 | headerLength, 0)
  head.writeUInt16BE(bytes.length === 4 ? 1 : 28, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}

function ipv6Bytes(ip: string): Buffer {
  // The URL parser accepts every spelling and writes one, which contains no IPv4.
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => text.split(':').filter((group) => group !== '')
  const after = groups(tail ?? '')
  const all = [...groups(head), ...Array(8 - groups(head).length - after.length).fill('0'), ...after]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
