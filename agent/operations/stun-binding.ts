// The `stun_binding` operation: one binding request over UDP (RFC 8489), the first packet of a call. A STUN server
// tells the client its own public address. That address is the probe's, so this file only checks that it can be read,
// and drops it: neither the address nor the bytes that hold it leave this file.

import { randomBytes } from 'node:crypto'
import type { NetworkEvent, StunBinding } from '../../tests-spec/data-formats/observation.ts'
import { exchangeDatagrams } from './datagram-exchange.ts'
import type { Bytes, Endpoint, StepOptions, Trace } from './trace.ts'
import { describeBytes, formatEndpoint } from './wire.ts'

/** What a reply to our request says, without the address in it. */
export interface BindingReply {
  readonly response: 'success' | 'error'
  /** Family in XOR-MAPPED-ADDRESS; null when the reply has no such attribute that can be read. */
  readonly mappedAddressFamily: 'ipv4' | 'ipv6' | null
  /** Code in ERROR-CODE, from 300 to 699; null without one. */
  readonly errorCode: number | null
}

/**
 * Sends a binding request to `endpoint`, repeated as RFC 8489 §6.2.1 has it, until a reply comes.
 *
 * @returns The observation, whose `failure` is null when a reply to this request came, an error of the server's
 * included; the datagrams as network events; and the bytes of both directions. Never rejects because of the network.
 * @throws {TypeError} If `endpoint.ip` is not an IP literal.
 */
export async function stunBinding(
  trace: Trace,
  endpoint: Endpoint,
  options: StepOptions,
): Promise<{
  readonly observation: StunBinding
  readonly events: readonly NetworkEvent[]
  readonly bytes: Bytes
}> {
  const transaction = randomBytes(transactionLength)
  const question = {
    message: bindingRequest(transaction),
    repeatAfterMs: repeatAfterMs.filter((afterMs) => afterMs < options.timeoutMs),
    read: (bytes: Buffer) => readBindingReply(bytes, transaction),
  }
  const outcome = await exchangeDatagrams(trace, endpoint, question, options)
  const { answer } = outcome
  const observation: StunBinding = {
    network: 'udp',
    address: formatEndpoint(endpoint),
    failure: outcome.failure,
    ...describeBytes(outcome.bytes),
    requests: outcome.sendings,
    response: answer?.response ?? null,
    mapped_address_family: answer?.mappedAddressFamily ?? null,
    error_code: answer?.errorCode ?? null,
    unfit_replies: outcome.unfit.length,
    t0: outcome.t0,
    t: outcome.t,
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  return { observation, events: outcome.events, bytes: outcome.bytes }
}

/** Milliseconds. An RTO of 500 ms, doubled each time, and seven requests in all: the RFC's figures. */
const repeatAfterMs = [500, 1_500, 3_500, 7_500, 15_500, 31_500]

const headerLength = 20
const transactionLength = 12
const magicCookie = 0x2112a442
const typeRequest = 0x0001
const typeSuccess = 0x0101
const typeError = 0x0111
const xorMappedAddress = 0x0020
const errorCodeAttribute = 0x0009

/** The shortest possible request: a header, and no attribute that would tell one client from another. */
export function bindingRequest(transaction: Buffer): Buffer {
  const message = Buffer.alloc(headerLength)
  message.writeUInt16BE(typeRequest, 0)
  message.writeUInt32BE(magicCookie, 4)
  transaction.copy(message, 8)
  return message
}

/**
 * Reads a reply. Never throws.
 * @returns null when it is no reply to the request of this transaction.
 */
export function readBindingReply(bytes: Buffer, transaction: Buffer): BindingReply | null {
  if (bytes.length < headerLength) return null
  const type = bytes.readUInt16BE(0)
  if (type !== typeSuccess && type !== typeError) return null
  if (bytes.readUInt16BE(2) !== bytes.length - headerLength || bytes.length % 4 !== 0) return null
  if (bytes.readUInt32BE(4) !== magicCookie || !bytes.subarray(8, headerLength).equals(transaction))
    return null
  const attributes = attributesOf(bytes.subarray(headerLength))
  const attribute = (wanted: number) => attributes.find((each) => each.type === wanted)?.value
  return {
    response: type === typeSuccess ? 'success' : 'error',
    mappedAddressFamily: familyOf(attribute(xorMappedAddress)),
    errorCode: errorCodeOf(attribute(errorCodeAttribute)),
  }
}

/**
 * Each attribute has type, length, value, and padding to four bytes (RFC 8489 §14). Stops at the first that breaks
 * off.
 */
function attributesOf(bytes: Buffer): { readonly type: number; readonly value: Buffer }[] {
  const attributes = []
  for (let offset = 0; offset + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(offset + 2)
    const value = bytes.subarray(offset + 4, offset + 4 + length)
    if (value.length < length) break
    attributes.push({ type: bytes.readUInt16BE(offset), value })
    offset += 4 + Math.ceil(length / 4) * 4
  }
  return attributes
}

/** RFC 8489 §14.1: a zero byte, the family, the port, the address. */
function familyOf(value: Buffer | undefined): BindingReply['mappedAddressFamily'] {
  if (value?.[1] === 0x01 && value.length === 8) return 'ipv4'
  if (value?.[1] === 0x02 && value.length === 20) return 'ipv6'
  return null
}

/** RFC 8489 §14.8: the hundreds in the low three bits of the third byte, the rest in the fourth. */
function errorCodeOf(value: Buffer | undefined): number | null {
  const [hundreds, rest] = [value?.[2], value?.[3]]
  if (hundreds === undefined || rest === undefined) return null
  const code = (hundreds & 0x07) * 100 + rest
  return code >= 300 && code < 700 ? code : null
}
