// The `quic_ping` operation: whether a QUIC server answers over UDP. A packet of a version that no server supports
// makes every server answer with Version Negotiation (RFC 9000 §6.1), before any key is agreed on. Follows RFC 8999
// (what is the same in all versions) and RFC 9000 §17.2.1. It does not test a handshake, and carries no server name.

import { randomBytes, randomInt } from 'node:crypto'
import type { QuicPing } from '../../tests-spec/data-formats/observation.ts'
import { scrubBytes } from '../../tests-spec/data-formats/scrub-text.ts'
import { type Datagram, exchangeDatagrams } from './datagram-exchange.ts'
import type { Bytes, Endpoint, StepOptions, Trace } from './trace.ts'
import { describeBytes, formatEndpoint } from './wire.ts'

/** A packet that asks for Version Negotiation, and the ids that its answer must carry. */
export interface VersionProbe {
  readonly destinationId: Buffer
  readonly sourceId: Buffer
  /** The part of the packet before the random bytes. */
  readonly header: Buffer
  readonly packet: Buffer
}

/**
 * A version of the pattern 0x?a?a?a?a, which is reserved to force negotiation (RFC 9000 §15). The value is OONI's.
 */
const reservedVersion = 0xbabababa
/**
 * Least size in bytes of a client's first packet: RFC 9000 §14.1. Of such packets, a server may answer only a few.
 */
const packetLength = 1200
/** Bytes of a datagram that are kept: room for the two longest ids and 50 versions. */
const maxKept = 256

/**
 * Sends one packet to `endpoint` and waits for Version Negotiation.
 *
 * @returns The observation, whose `failure` is null when an answer came that mirrors both ids; `unexpected`, the
 * datagrams that came and are no such answer, shortened and without addresses; and the bytes of both directions.
 * Never rejects because of the network.
 * @throws {TypeError} If `endpoint.ip` is not an IP literal.
 */
export async function quicPing(
  trace: Trace,
  endpoint: Endpoint,
  options: StepOptions,
): Promise<{
  readonly observation: QuicPing
  readonly unexpected: QuicPing['responses']
  readonly bytes: Bytes
}> {
  const probe = makeVersionProbe()
  const question = {
    message: probe.packet,
    repeatAfterMs: [],
    read: (bytes: Buffer) => readVersionNegotiation(bytes, probe),
  }
  const { answer, datagram, unfit, ...outcome } = await exchangeDatagrams(trace, endpoint, question, options)
  const response = datagram === null ? [] : [describe(datagram, answer ?? [])]
  const observation: QuicPing = {
    network: 'udp',
    address: formatEndpoint(endpoint),
    conn_id_dst: probe.destinationId.toString('hex'),
    conn_id_src: probe.sourceId.toString('hex'),
    failure: outcome.failure,
    ...describeBytes(outcome.bytes),
    // Only the header is kept: the bytes behind it are random, and would take a kilobyte.
    request: { data: probe.header.toString('base64'), format: 'base64' },
    responses: response,
    t0: outcome.t0,
    t: outcome.t,
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  return { observation, unexpected: unfit.map((each) => describe(each, [])), bytes: outcome.bytes }
}

function describe({ t, bytes }: Datagram, versions: readonly number[]): QuicPing['responses'][number] {
  const kept = scrubBytes(bytes.subarray(0, maxKept))
  return {
    response_data: { data: kept.toString('base64'), format: 'base64' },
    failure: null,
    t,
    supported_versions: [...versions],
  }
}

/** Makes a long header (RFC 8999 §5.1) in the form of an Initial, with random bytes where an Initial is encrypted. */
export function makeVersionProbe(): VersionProbe {
  const destinationId = randomBytes(randomInt(8, 21))
  const sourceId = randomBytes(randomInt(8, 21))
  const version = Buffer.alloc(4)
  version.writeUInt32BE(reservedVersion)
  const header = Buffer.concat([
    Buffer.from([longHeader | fixedBit | randomInt(16)]),
    version,
    Buffer.from([destinationId.length]),
    destinationId,
    Buffer.from([sourceId.length]),
    sourceId,
  ])
  const packet = Buffer.concat([header, randomBytes(packetLength - header.length)])
  return { destinationId, sourceId, header, packet }
}

const longHeader = 0x80
const fixedBit = 0x40

/**
 * Reads a Version Negotiation packet (RFC 9000 §17.2.1). Never throws.
 *
 * @returns The versions that the server supports; null when the packet is something else, or answers another packet
 * than ours: the ids must come back swapped, and a list with the version that we offered must be ignored (RFC 9000
 * §6.2).
 */
export function readVersionNegotiation(bytes: Buffer, probe: VersionProbe): number[] | null {
  if (bytes.length < 7 || ((bytes[0] ?? 0) & longHeader) === 0 || bytes.readUInt32BE(1) !== 0) return null
  const destination = idAt(bytes, 5)
  if (destination === null || !destination.id.equals(probe.sourceId)) return null
  const source = idAt(bytes, destination.end)
  if (source === null || !source.id.equals(probe.destinationId)) return null
  const list = bytes.subarray(source.end)
  if (list.length === 0 || list.length % 4 !== 0) return null
  const versions = Array.from({ length: list.length / 4 }, (_, index) => list.readUInt32BE(index * 4))
  return versions.includes(reservedVersion) ? null : versions.slice(0, maxVersions)
}

/** Servers name only a few versions; a datagram has room for sixteen thousand. */
const maxVersions = 50

function idAt(bytes: Buffer, offset: number): { readonly id: Buffer; readonly end: number } | null {
  const length = bytes[offset]
  const end = offset + 1 + (length ?? 0)
  return length === undefined || end > bytes.length ? null : { id: bytes.subarray(offset + 1, end), end }
}
