// DNS messages (RFC 1035), handled without a socket: how a question is put, whether a reply fits it, and what the
// reply says in the words of OONI's df-002 and df-007. resolve-dns.ts sends and waits.

import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import {
  type Answer,
  CHECKING_DISABLED,
  type DecodedPacket,
  decode,
  encode,
  type OptAnswer,
  RECURSION_DESIRED,
  type RecordType,
} from 'dns-packet'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { DnsAnswer } from '../../tests-spec/data-formats/observation.ts'

export type QueryType = 'A' | 'AAAA' | 'CNAME' | 'HTTPS'

export interface Question {
  readonly id: number
  /** The name in ASCII, without a dot at the end. */
  readonly name: string
  readonly type: QueryType
  readonly message: Buffer
}

/** What a datagram turned out to be: a reply to our question, or one that came to our port and is no reply to it. */
export type Reading =
  | {
      readonly fits: true
      readonly failure: Failure | null
      readonly rcode: number
      readonly truncated: boolean
      /** Answers of the message; null when it could not be read beyond its header. */
      readonly answers: readonly DnsAnswer[] | null
      /** Addresses of the type asked for; empty for a question that is not about addresses. */
      readonly addresses: readonly string[]
    }
  | { readonly fits: false; readonly failure: 'dns_reply_with_wrong_query_id' | 'dns_server_misbehaving' }

/** What a question carries beyond the plainest one. */
export interface QuestionForm {
  /**
   * Adds an OPT record (RFC 6891); `padded` pads to a multiple of 128 bytes, as RFC 8467 §4.1 wants it inside TLS.
   */
  readonly edns?: 'plain' | 'padded'
  /** Asks a resolver that validates for an answer that it could not (RFC 4035 §3.2.2). */
  readonly checkingDisabled?: boolean
  /** Id of the question, random if absent. Over HTTP it is 0 (RFC 8484 §4.1). */
  readonly id?: number
}

/**
 * Makes a question as the plainest stub resolver does: recursion desired, no EDNS(0), one random id.
 *
 * @returns null when `hostname` is no name by RFC 1035 (a label above 63 bytes, above 253 in all, or an empty label):
 * such names come out of redirects, and no question about them can be sent.
 */
export function makeQuestion(hostname: string, type: QueryType, form: QuestionForm = {}): Question | null {
  const name = asciiName(hostname)
  const labels = name.split('.')
  if (name.length > 253 || labels.some((label) => label.length === 0 || label.length > 63)) return null
  const id = form.id ?? randomInt(0x10000)
  const asked = {
    type: 'query' as const,
    id,
    flags: RECURSION_DESIRED | (form.checkingDisabled === true ? CHECKING_DISABLED : 0),
    questions: [{ name, type: wireType(type) }],
  }
  if (form.edns === undefined) return { id, name, type, message: encode(asked) }
  const bare = encode({ ...asked, additionals: [optRecord(form.edns === 'padded' ? 0 : null)] })
  if (form.edns === 'plain') return { id, name, type, message: bare }
  const padding = (paddedTo - (bare.length % paddedTo)) % paddedTo
  return { id, name, type, message: encode({ ...asked, additionals: [optRecord(padding)] }) }
}

const paddedTo = 128
/** Option code by RFC 7830. */
const paddingOption: 12 = 12

/**
 * The size that every path carries in one piece; larger answers come over TCP. The value is that of DNS flag day
 * 2020.
 */
const udpPayloadSize = 1232

/** @param padding - Bytes of padding; null for an OPT record without that option. */
function optRecord(padding: number | null): OptAnswer {
  const options = padding === null ? [] : [{ code: paddingOption, length: padding }]
  const fields = { udpPayloadSize, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false }
  return { type: 'OPT', name: '.', ...fields, options }
}

/** dns-packet has no name for type 65 (RFC 9460); this is its form for a number. */
function wireType(type: QueryType): RecordType {
  return (type === 'HTTPS' ? 'UNKNOWN_65' : type) as RecordType
}

/** The name as it goes on the wire. ASCII is left unchanged: `domainToASCII()` would turn `1.2.3` into an address. */
export function asciiName(hostname: string): string {
  const ascii = /^[!-~]*$/.test(hostname) ? hostname : domainToASCII(hostname)
  return ascii.replace(/\.$/, '')
}

/**
 * Reads one reply. Never throws: a message that cannot be read is a failure of the resolver, or of the sender that
 * answered in its place.
 */
export function readReply(bytes: Buffer, question: Question): Reading {
  if (bytes.length < headerLength) return { fits: false, failure: 'dns_server_misbehaving' }
  if (bytes.readUInt16BE(0) !== question.id) return { fits: false, failure: 'dns_reply_with_wrong_query_id' }
  const flags = bytes.readUInt16BE(2)
  // Our own question, sent back, is an echo and not a reply.
  if ((flags & isReply) === 0) return { fits: false, failure: 'dns_server_misbehaving' }

  const truncated = (flags & isTruncated) !== 0
  const packet = decoded(bytes)
  if (packet === null) {
    const rcode = flags & rcodeMask
    return { fits: true, failure: 'dns_server_misbehaving', rcode, truncated, answers: null, addresses: [] }
  }
  if (!repeats(packet, question)) return { fits: false, failure: 'dns_server_misbehaving' }
  const rcode = (extendedRcode(packet) << 4) | (flags & rcodeMask)

  const answers = answersOf(packet)
  const isAddress = question.type === 'A' || question.type === 'AAAA'
  const addresses = isAddress ? addressesOf(packet, question.name, question.type) : []
  const asked = answers.filter((answer) => answer.answer_type === question.type)
  const empty = (isAddress ? addresses : asked).length === 0 ? 'dns_no_answer' : null
  return { fits: true, failure: failureOfRcode(rcode) ?? empty, rcode, truncated, answers, addresses }
}

/**
 * The addresses that a C library would take from a message, for replies that came late. Empty when the message cannot be read, or
 * has no question.
 */
export function addressesIn(bytes: Buffer): string[] {
  const packet = decoded(bytes)
  const asked = packet?.questions?.[0]
  if (packet === null || asked === undefined) return []
  return [...addressesOf(packet, asked.name, 'A'), ...addressesOf(packet, asked.name, 'AAAA')]
}

/**
 * The addresses of the chain that begins at `name`, read in order as C libraries read it: a record of another owner is none of
 * it, nor is one that stands before the alias which leads to its owner. What two readers make of one message is no difference
 * between two resolvers.
 */
function addressesOf({ answers = [] }: DecodedPacket, name: string, type: 'A' | 'AAAA'): string[] {
  let owner = name.toLowerCase()
  const addresses: string[] = []
  for (const answer of answers.slice(0, maxAnswers)) {
    if (!('name' in answer) || answer.name.toLowerCase() !== owner) continue
    if (answer.type === 'CNAME') owner = answer.data.toLowerCase()
    else if (answer.type === type) addresses.push(answer.data)
  }
  return addresses
}

const headerLength = 12
const isReply = 0x8000
const isTruncated = 0x0200
const rcodeMask = 0x000f

/** The upper bits of the response code, if the server uses EDNS(0) (RFC 6891 §6.1.3). */
function extendedRcode(packet: DecodedPacket): number {
  const opt = packet.additionals?.find((record) => record.type === 'OPT')
  return opt?.type === 'OPT' ? opt.extendedRcode : 0
}

/** df-007's names for the response codes of RFC 1035 §4.1.1. */
function failureOfRcode(rcode: number): Failure | null {
  switch (rcode) {
    case 0:
      return null
    case 2:
      return 'dns_servfail_error'
    case 3:
      return 'dns_nxdomain_error'
    case 5:
      return 'dns_refused_error'
    default:
      return 'dns_server_misbehaving'
  }
}

/**
 * Longest message that is decoded; no answer to one of our questions is longer. A message of 64 KiB made of nothing
 * but compression pointers, each to the one before it, keeps a fast machine busy for a quarter of a second, and a
 * flood of them for much longer.
 */
const maxDecodedBytes = 16 * 1024
/** Longest reply that is kept as it came: room for any signed answer, and too little to fill a spool. */
export const maxRawBytes = 4 * 1024

/** More answers than any server gives. The raw reply holds all of them. */
const maxAnswers = 64

/**
 * dns-packet throws at the first byte that does not fit and keeps nothing, which is why the raw reply is kept too.
 * From an address that breaks off it makes `192.undefined.undefined.undefined` without an error.
 */
function decoded(bytes: Buffer): DecodedPacket | null {
  if (bytes.length > maxDecodedBytes) return null
  try {
    const packet = decode(bytes)
    // dns-packet accepts a last record that breaks off, if it does not know the record's type.
    if (decode.bytes > bytes.length) return null
    const addresses = answersOf(packet).flatMap((answer) => answer.ipv4 ?? answer.ipv6 ?? [])
    return addresses.every((address) => isIP(address) !== 0) ? packet : null
  } catch {
    // Any error means the same here: the message does not follow RFC 1035.
    return null
  }
}

/**
 * Whether the reply repeats our question. Some servers leave the question out of an error; no C library takes an answer without
 * one, and a reply that repeats another question does not answer ours.
 */
function repeats(packet: DecodedPacket, question: Question): boolean {
  const asked = packet.questions?.[0]
  if (asked === undefined) return (packet.answers ?? []).length === 0
  return asked.type === wireType(question.type) && asked.name.toLowerCase() === question.name.toLowerCase()
}

function answersOf(packet: DecodedPacket): DnsAnswer[] {
  return (packet.answers ?? []).slice(0, maxAnswers).flatMap((answer): DnsAnswer[] => {
    switch (answer.type) {
      case 'A':
        return [{ answer_type: 'A', ipv4: answer.data, ttl: answer.ttl ?? null }]
      case 'AAAA':
        return [{ answer_type: 'AAAA', ipv6: answer.data, ttl: answer.ttl ?? null }]
      case 'CNAME':
        return [{ answer_type: 'CNAME', hostname: answer.data, ttl: answer.ttl ?? null }]
      default:
        return unknownRecord(answer)
    }
  })
}

/**
 * A record that dns-packet cannot read, kept as it came: HTTPS (type 65) by its name, others as RFC 3597 writes them.
 * Signatures and other records that it can read, but for which the observation has no field, are only in the raw
 * reply.
 */
function unknownRecord(answer: Answer): DnsAnswer[] {
  const number = /^UNKNOWN_(\d+)$/.exec(answer.type)?.[1]
  if (number === undefined || !('data' in answer) || !Buffer.isBuffer(answer.data)) return []
  const ttl = 'ttl' in answer ? (answer.ttl ?? null) : null
  const type = number === '65' ? 'HTTPS' : `TYPE${number}`
  return [{ answer_type: type, ttl, x_sonde_rdata: answer.data.toString('base64') }]
}
