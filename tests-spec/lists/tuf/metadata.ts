// The four kinds of metadata, read from bytes (specification 4.2 to 4.6). Strict where leniency has fooled others: dates
// in one form, versions from 1, hashes that are there, key ids recomputed. What a file says besides is kept in what its
// signature covers, and is otherwise not looked at. Nothing that this file returns is trusted yet.

import { createHash } from 'node:crypto'
import { canonical } from './canonical.ts'
import { type Json, type JsonObject, readJson } from './json.ts'
import { Refused } from './refusal.ts'

export const topRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const
export type TopRole = (typeof topRoles)[number]

/** Ed25519 public keys in hex, by key id; null for a kind of key that is not known here and never counts. */
export type Keys = ReadonlyMap<string, string | null>

export interface Role {
  readonly keys: Keys
  readonly threshold: number
}

/** Hex by the name of the function; never empty. */
export type Hashes = ReadonlyMap<string, string>

export interface FileMeta {
  readonly version: number
  /** Bytes; null when none is declared. */
  readonly length: number | null
  /** null when none are declared. */
  readonly hashes: Hashes | null
}

export interface TargetFile {
  readonly length: number
  readonly hashes: Hashes
}

export interface Delegation extends Role {
  readonly name: string
  readonly terminating: boolean
  readonly paths: readonly string[]
}

interface Dated {
  readonly version: number
  /** Milliseconds since 1970. */
  readonly expiresMs: number
}

export interface Root extends Dated {
  readonly consistentSnapshot: boolean
  /** Of all roles. */
  readonly keys: Keys
  readonly roles: Readonly<Record<TopRole, Role>>
}

export interface Timestamp extends Dated {
  readonly snapshot: FileMeta
}

export interface Snapshot extends Dated {
  /** By the name of the role. */
  readonly meta: ReadonlyMap<string, FileMeta>
}

export interface Targets extends Dated {
  readonly targets: ReadonlyMap<string, TargetFile>
  readonly keys: Keys
  readonly delegations: readonly Delegation[]
}

interface Kinds {
  readonly root: Root
  readonly timestamp: Timestamp
  readonly snapshot: Snapshot
  readonly targets: Targets
}

export interface Metadata<Signed> {
  /** As received. */
  readonly bytes: Uint8Array
  /** What the signatures cover. */
  readonly signedBytes: Uint8Array
  /** Hex by key id. */
  readonly signatures: ReadonlyMap<string, string>
  readonly signed: Signed
}

/** @throws {Refused} When it is not of this kind and form. */
export function readMetadata<Kind extends TopRole>(bytes: Uint8Array, kind: Kind): Metadata<Kinds[Kind]> {
  const file = object(readJson(bytes), 'the file')
  const signed = object(file.get('signed'), 'signed')
  const signatures = new Map<string, string>()
  for (const each of list(file.get('signatures'), 'signatures')) {
    const signature = object(each, 'a signature')
    const keyid = text(signature.get('keyid'), 'keyid')
    // 4.2.1: each key id once, so that no one signature is counted twice.
    if (signatures.has(keyid)) throw new Refused('threshold', '4.2.1', 'One key has signed twice')
    signatures.set(keyid, text(signature.get('sig'), 'sig'))
  }
  // 4.2.1: a snapshot that is served as a timestamp, both signed by one online key.
  const type = text(signed.get('_type'), '_type')
  if (type !== kind) throw new Refused('role_confusion', '4.2.1', `It is ${type}, expected ${kind}`)
  const content = readers[kind](signed) as Kinds[Kind]
  return { bytes, signedBytes: canonical(signed), signatures, signed: content }
}

const readers: { readonly [Kind in TopRole]: (signed: JsonObject) => Kinds[Kind] } = {
  root(signed) {
    const keys = readKeys(signed.get('keys'))
    const named = object(signed.get('roles'), 'roles')
    const role = (name: TopRole) => readRole(object(named.get(name), `roles.${name}`), keys)
    const consistent = signed.get('consistent_snapshot') ?? false
    if (typeof consistent !== 'boolean') throw malformed('consistent_snapshot', '4.3')
    return {
      ...readDated(signed),
      consistentSnapshot: consistent,
      keys,
      roles: {
        root: role('root'),
        timestamp: role('timestamp'),
        snapshot: role('snapshot'),
        targets: role('targets'),
      },
    }
  },
  timestamp(signed) {
    const meta = object(signed.get('meta'), 'meta')
    return { ...readDated(signed), snapshot: readFileMeta(meta.get('snapshot.json'), 'meta') }
  },
  snapshot(signed) {
    const meta = new Map<string, FileMeta>()
    for (const [name, each] of object(signed.get('meta'), 'meta')) {
      if (!name.endsWith('.json')) throw malformed('a name in meta', '4.4')
      meta.set(name.slice(0, -'.json'.length), readFileMeta(each, 'meta'))
    }
    if (!meta.has('targets')) throw malformed('meta: targets.json is not in it', '4.4')
    return { ...readDated(signed), meta }
  },
  targets(signed) {
    const targets = new Map<string, TargetFile>()
    for (const [path, each] of object(signed.get('targets'), 'targets')) {
      const file = object(each, 'a target')
      targets.set(path, { length: length(file.get('length')), hashes: readHashes(file.get('hashes')) })
    }
    const delegations = signed.get('delegations')
    return {
      ...readDated(signed),
      targets,
      ...(delegations === undefined ? { keys: new Map(), delegations: [] } : readDelegations(delegations)),
    }
  },
}

function readDated(signed: JsonObject): Dated {
  // 4.3: of this major version; a fleet must outlive the tools of its repository, so every 1.x is taken.
  if (!/^1\.\d+\.\d+$/.test(text(signed.get('spec_version'), 'spec_version')))
    throw malformed('spec_version', '4.3')
  return {
    version: integer(signed.get('version'), 1, 'version'),
    expiresMs: readDate(text(signed.get('expires'), 'expires')),
  }
}

/** 4.2.3: one form. A date that is none would compare as false with every other, and so never expire. */
function readDate(date: string): number {
  const ms = Date.parse(date)
  if (Number.isNaN(ms)) throw new Refused('freeze', '4.2.3', `It expires on no date: ${date.slice(0, 40)}`)
  // Printing it again also finds the 30th of February, which JavaScript takes for the 2nd of March; years have four digits.
  if (!/^\d{4}-/.test(date) || new Date(ms).toISOString() !== `${date.slice(0, -1)}.000Z`)
    throw malformed('expires', '4.2.3')
  return ms
}

function readKeys(value: Json | undefined): Keys {
  const keys = new Map<string, string | null>()
  for (const [keyid, each] of object(value, 'keys')) {
    const known = publicKeyIn(each)
    // 4.3: the id is the digest of the key, so that one key has one name and is counted once.
    if (createHash('sha256').update(canonical(each)).digest('hex') !== keyid) {
      // The same key under its right id besides would be two of a threshold.
      const others = [...object(value, 'keys')].filter(([id]) => id !== keyid)
      const isTwice = known !== null && others.some(([, other]) => publicKeyIn(other) === known)
      const code = isTwice ? 'threshold' : 'key_confusion'
      throw new Refused(code, '4.3', `Key id ${keyid.slice(0, 64)} is not that of its key`)
    }
    keys.set(keyid, known)
  }
  return keys
}

function publicKeyIn(key: Json): string | null {
  if (!(key instanceof Map)) throw malformed('a key', '4.2')
  const held = key.get('keyval')
  const hex = held instanceof Map ? held.get('public') : null
  const isKnown = key.get('keytype') === 'ed25519' && key.get('scheme') === 'ed25519'
  return isKnown && typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex) ? hex : null
}

function readRole(role: JsonObject, keys: Keys): Role {
  const own = new Map<string, string | null>()
  for (const each of list(role.get('keyids'), 'keyids')) {
    const keyid = text(each, 'keyid')
    // 4.3: one key twice would be two of a threshold.
    if (own.has(keyid)) throw new Refused('threshold', '4.3', 'A role names one key twice')
    own.set(keyid, keys.get(keyid) ?? null)
  }
  const threshold = role.get('threshold')
  // 4.3: with a threshold of none, nothing need be signed.
  if (typeof threshold !== 'number' || threshold < 1)
    throw new Refused('threshold', '4.3', 'A threshold is below one')
  return { keys: own, threshold }
}

function readDelegations(value: Json): Pick<Targets, 'keys' | 'delegations'> {
  const delegations = object(value, 'delegations')
  const keys = readKeys(delegations.get('keys'))
  const names = new Set<string>(topRoles)
  return {
    keys,
    delegations: list(delegations.get('roles'), 'delegations.roles').map((each) => {
      const role = object(each, 'a delegation')
      const name = text(role.get('name'), 'name')
      if (names.has(name)) {
        // 4.5: a second of the name would have other keys; one of a top role's name would stand in its place.
        const code = topRoles.some((top) => top === name) ? 'role_confusion' : 'key_confusion'
        throw new Refused(code, '4.5', `A delegation has a name that is taken: ${name}`)
      }
      names.add(name)
      const terminating = role.get('terminating') ?? false
      if (typeof terminating !== 'boolean') throw malformed('terminating', '4.5')
      // Prefixes of hashes in place of paths are not read: whom such a role speaks for cannot be seen by a person.
      const paths = list(role.get('paths'), 'paths').map((path) => text(path, 'paths'))
      return { name, terminating, paths, ...readRole(role, keys) }
    }),
  }
}

function readFileMeta(value: Json | undefined, what: string): FileMeta {
  const meta = object(value, what)
  const [declared, hashes] = [meta.get('length'), meta.get('hashes')]
  return {
    version: integer(meta.get('version'), 1, 'meta.version'),
    length: declared === undefined ? null : length(declared),
    hashes: hashes === undefined ? null : readHashes(hashes),
  }
}

function readHashes(value: Json | undefined): Hashes {
  const hashes = new Map<string, string>()
  for (const [name, each] of object(value, 'hashes')) hashes.set(name, text(each, 'hashes'))
  // 4.5: one or more. A length alone binds no content.
  if (hashes.size === 0) throw new Refused('tampering', '4.5', 'A file has no hash')
  return hashes
}

function length(value: Json | undefined): number {
  return integer(value, 0, 'length')
}

function integer(value: Json | undefined, least: number, what: string): number {
  if (typeof value !== 'number' || value < least) throw malformed(what, '4.3')
  return value
}

function text(value: Json | undefined, what: string): string {
  if (typeof value !== 'string') throw malformed(what, '4.2')
  return value
}

function list(value: Json | undefined, what: string): readonly Json[] {
  if (!Array.isArray(value)) throw malformed(what, '4.2')
  return value
}

function object(value: Json | undefined, what: string): JsonObject {
  if (!(value instanceof Map)) throw malformed(what, '4.2')
  return value
}

function malformed(what: string, at: string): Refused {
  return new Refused('malformed', at, `Cannot read metadata: wrong or missing ${what}`)
}
