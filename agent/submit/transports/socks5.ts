// SOCKS5: RFC 1928, with user and password by RFC 1929. The name goes to the proxy, which resolves it at its far end: the
// local resolver learns nothing, and onion names work.

import { isIP, isIPv4, type Socket } from 'node:net'
import type { ProxyHop } from '../../../tests-spec/protocol/endpoint.ts'
import { NoAnswer } from './no-answer.ts'
import { readReply } from './proxy-reply.ts'
import type { Place } from './tcp.ts'

const version = 5
/** Method by RFC 1928 §3. */
const withoutPassword = 0
const withPassword = 2
/** Command by RFC 1928 §4. */
const connect = 1
const addressTypes = { ipv4: 1, name: 3, ipv6: 4 } as const

/** @throws {NoAnswer} `socks_…`: the reply code of RFC 1928 §6, or what went wrong before it. */
export async function askSocks5(
  socket: Socket,
  target: Place,
  { user, password }: ProxyHop,
  signal: AbortSignal,
): Promise<void> {
  // Only one method is offered, so that a proxy cannot choose to do without the password that the operator
  // configured.
  const method = user === undefined ? withoutPassword : withPassword
  socket.write(Uint8Array.of(version, 1, method))
  const chosen = await readReply(socket, fixed(2), signal)
  if (chosen[0] !== version) throw new NoAnswer('socks_not_socks5')
  if (chosen[1] !== method) throw new NoAnswer('socks_no_method')
  if (user !== undefined) await signIn(socket, user, password ?? '', signal)

  socket.write(Buffer.concat([Uint8Array.of(version, connect, 0), address(target)]))
  const reply = await readReply(socket, replyLength, signal)
  if (reply[0] !== version) throw new NoAnswer('socks_not_socks5')
  if (reply[1] !== 0) throw new NoAnswer(`socks_${reply[1]}`)
}

/** Signs in by RFC 1929 §2. */
async function signIn(socket: Socket, user: string, password: string, signal: AbortSignal): Promise<void> {
  socket.write(Buffer.concat([Uint8Array.of(1), counted(user), counted(password)]))
  const verdict = await readReply(socket, fixed(2), signal)
  if (verdict[1] !== 0) throw new NoAnswer('socks_password_refused')
}

function address({ host, port }: Place): Buffer {
  const ending = Buffer.alloc(2)
  ending.writeUInt16BE(port)
  if (isIP(host) === 0) return Buffer.concat([Uint8Array.of(addressTypes.name), counted(host), ending])
  const type = isIPv4(host) ? addressTypes.ipv4 : addressTypes.ipv6
  return Buffer.concat([Uint8Array.of(type), isIPv4(host) ? ipv4Bytes(host) : ipv6Bytes(host), ending])
}

function ipv4Bytes(ip: string): Buffer {
  return Buffer.from(ip.split('.').map(Number))
}

/**
 * The address goes through a URL, whose host Node.js writes in one form: eight groups with one run of zeros
 * shortened.
 */
function ipv6Bytes(ip: string): Buffer {
  const canonical = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const [front = '', back] = canonical.split('::')
  const groups = (text: string | undefined) => (text ?? '').split(':').filter((each) => each !== '')
  const head = groups(front)
  const tail = groups(back)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return Buffer.from([...head, ...zeros, ...tail].map((each) => each.padStart(4, '0')).join(''), 'hex')
}

/** Writes one byte of length, then the text. */
function counted(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Uint8Array.of(bytes.length), bytes])
}

function fixed(length: number): (bytes: Buffer) => number | null {
  return (bytes) => (bytes.length < length ? null : length)
}

/**
 * RFC 1928 §6: the address that the proxy bound may be a name or an IP address of either version. A refusal may end
 * after its code.
 */
function replyLength(bytes: Buffer): number | null {
  const [first, code, , type, nameLength = 0] = bytes
  if (bytes.length >= 2 && (first !== version || code !== 0)) return 2
  if (bytes.length < 5) return null
  const addressLength = type === addressTypes.ipv4 ? 4 : type === addressTypes.ipv6 ? 16 : 1 + nameLength
  const length = 4 + addressLength + 2
  return bytes.length < length ? null : length
}
