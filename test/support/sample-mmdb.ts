// A small table of networks in MaxMind's format (MaxMind DB 2.0), for tests: IPv4 networks of /8, each with the two fields of
// an ASN database.

/** By the first byte of the addresses. */
export type SampleNetworks = Readonly<Record<number, { readonly asn: number; readonly name: string }>>

export function sampleMmdb(networks: SampleNetworks): Buffer {
  const entries = Object.entries(networks).map(([byte, network]) => ({ byte: Number(byte), network }))
  const data = entries.map(({ network }) => entryOf(network))
  const offsets = data.map((_, i) => data.slice(0, i).reduce((sum, each) => sum + each.length, 0))
  const tree = treeOf(entries.map(({ byte }, i) => ({ byte, offset: offsets[i] ?? 0 })))
  return Buffer.concat([tree.bytes, Buffer.alloc(16), ...data, metadataOf(tree.nodes)])
}

/** A tree of eight levels: a node is two records of 24 bits. A record is a node, the number of nodes for "nothing", or data. */
function treeOf(places: readonly { readonly byte: number; readonly offset: number }[]) {
  const nodes: [number | null, number | null][] = [[null, null]]
  const leaves = new Map<string, number>()
  for (const { byte, offset } of places) {
    let node = 0
    for (let bit = 7; bit > 0; bit--) {
      const side = (byte >> bit) & 1
      const known = nodes[node]?.[side]
      if (known == null) nodes.push([null, null])
      const next = known ?? nodes.length - 1
      const here = nodes[node]
      if (here !== undefined) here[side] = next
      node = next
    }
    leaves.set(`${node} ${byte & 1}`, offset)
  }
  const record = (node: number, side: 0 | 1) => {
    const offset = leaves.get(`${node} ${side}`)
    return offset === undefined ? (nodes[node]?.[side] ?? nodes.length) : nodes.length + 16 + offset
  }
  const bytes = Buffer.alloc(nodes.length * 6)
  for (const node of nodes.keys()) {
    bytes.writeUIntBE(record(node, 0), node * 6, 3)
    bytes.writeUIntBE(record(node, 1), node * 6 + 3, 3)
  }
  return { bytes, nodes: nodes.length }
}

const text = (value: string) => Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
const number = (value: number, type: 5 | 6 = 6) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  const short = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
  return Buffer.concat([control(type, value === 0 ? 0 : short.length), value === 0 ? Buffer.alloc(0) : short])
}
const map = (fields: Readonly<Record<string, Buffer>>) =>
  Buffer.concat([
    control(7, Object.keys(fields).length),
    ...Object.entries(fields).flatMap(([key, value]) => [text(key), value]),
  ])

/** Type and size; from 29 on the size stands in a byte of its own. */
function control(type: number, size: number): Buffer {
  return size < 29 ? Buffer.from([(type << 5) | size]) : Buffer.from([(type << 5) | 29, size - 29])
}

function entryOf({ asn, name }: { readonly asn: number; readonly name: string }): Buffer {
  return map({ autonomous_system_number: number(asn), autonomous_system_organization: text(name) })
}

function metadataOf(nodes: number): Buffer {
  const fields = {
    binary_format_major_version: number(2, 5),
    binary_format_minor_version: number(0, 5),
    // Of type uint64, which is an extended one.
    build_epoch: Buffer.from([0x01, 0x02, 0x01]),
    database_type: text('Sample-ASN'),
    description: map({ en: text('for tests') }),
    ip_version: number(4, 5),
    // An array, which is an extended type: none.
    languages: Buffer.from([0x00, 0x04]),
    node_count: number(nodes),
    record_size: number(24, 5),
  }
  return Buffer.concat([Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), map(fields)])
}
