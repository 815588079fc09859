// Makes and signs metadata (tests-spec/lists/metadata.md §1 and §2), as the coordinator does with keys that are offline and the
// collector with those that are online. Everything that is made here is read again by the strict reader before it is given out.

import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { canonical } from './canonical.ts'
import { type Json, type JsonObject, readJson } from './json.ts'
import { type Metadata, readMetadata, type TargetFile, type TopRole } from './metadata.ts'

export interface SigningKey {
  /** SHA-256 of the canonical form of the key. */
  readonly id: string
  /** The public half, 32 bytes in hex. */
  readonly publicHex: string
  readonly privateKey: KeyObject
}

/** How long each role's word holds (§1). In days. */
export const lifetimeDays = { root: 730, targets: 180, group: 60, snapshot: 60, timestamp: 30 } as const

export interface Dating {
  /** From 1. */
  readonly version: number
  /** Milliseconds since 1970; the second that it is in is the one that counts. */
  readonly expiresMs: number
}

/** Public keys in hex, and how many of them must sign. */
export interface NewRole {
  readonly keys: readonly string[]
  readonly threshold: number
}

export interface NewDelegation extends NewRole {
  readonly name: string
  readonly paths: readonly string[]
}

/** @throws {TypeError} For any other kind of key than Ed25519. */
export function signingKey(privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new TypeError(`Cannot sign lists with a key of type ${privateKey.asymmetricKeyType}`)
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const publicHex = spki.subarray(-32).toString('hex')
  return { id: keyIdOf(publicHex), publicHex, privateKey }
}

/** @param publicHex - 32 bytes in hex. */
export function keyIdOf(publicHex: string): string {
  return createHash('sha256')
    .update(canonical(jsonOf(keyObject(publicHex))))
    .digest('hex')
}

export function expiryAfter(nowMs: number, role: keyof typeof lifetimeDays): number {
  return nowMs + lifetimeDays[role] * 86_400_000
}

export function newRoot(dating: Dating, roles: Readonly<Record<TopRole, NewRole>>): JsonObject {
  return jsonOf({
    ...dated('root', dating),
    consistent_snapshot: true,
    keys: keyObjects(Object.values(roles)),
    roles: Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, roleObject(role)])),
  })
}

/**
 * @param targets - By path.
 * @param delegations - Of `targets` alone; none for a group.
 */
export function newTargets(
  dating: Dating,
  targets: ReadonlyMap<string, TargetFile>,
  delegations: readonly NewDelegation[] | null,
): JsonObject {
  const files = [...targets].map(([path, { length, hashes }]) => [
    path,
    { length, hashes: Object.fromEntries(hashes) },
  ])
  const roles = (delegations ?? []).map((each) => ({
    name: each.name,
    paths: each.paths,
    // A path has one group to speak of it, and none behind it.
    terminating: true,
    ...roleObject(each),
  }))
  return jsonOf({
    ...dated('targets', dating),
    targets: Object.fromEntries(files),
    ...(delegations !== null && { delegations: { keys: keyObjects(delegations), roles } }),
  })
}

/** What a role above says of a file. */
export interface Named {
  readonly version: number
  readonly length: number
  readonly sha256: string
}

export function named(bytes: Uint8Array, version: number): Named {
  return { version, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** @param meta - By role; `targets` must be among them. */
export function newSnapshot(dating: Dating, meta: ReadonlyMap<string, Named>): JsonObject {
  const files = [...meta].map(([role, each]) => [`${role}.json`, metaObject(each)])
  return jsonOf({ ...dated('snapshot', dating), meta: Object.fromEntries(files) })
}

export function newTimestamp(dating: Dating, snapshot: Named): JsonObject {
  return jsonOf({ ...dated('timestamp', dating), meta: { 'snapshot.json': metaObject(snapshot) } })
}

/** What a target's metadata say of a content. */
export function targetFileOf(content: Uint8Array): TargetFile {
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { length: content.length, hashes: new Map([['sha256', sha256]]) }
}

/**
 * @param keys - None leaves it unsigned, to be signed by one holder after another.
 * @throws {Refused} When a reader would not take it.
 */
export function signedFile<Kind extends TopRole>(
  kind: Kind,
  signed: JsonObject,
  keys: readonly SigningKey[],
): Buffer {
  return written(
    kind,
    signed,
    new Map(keys.map((key) => [key.id, sign(null, canonical(signed), key.privateKey).toString('hex')])),
  )
}

/**
 * Adds one signature to a file that has others, or puts it in the place of an earlier one by the same key.
 * @throws {Refused} When it is none of this kind.
 */
export function withSignature(kind: TopRole, bytes: Uint8Array, key: SigningKey): Buffer {
  const { signatures } = readMetadata(bytes, kind)
  const file = readJson(bytes) as JsonObject
  const signed = file.get('signed') as JsonObject
  const sig = sign(null, canonical(signed), key.privateKey).toString('hex')
  return written(kind, signed, new Map(signatures).set(key.id, sig))
}

function written(kind: TopRole, signed: JsonObject, signatures: ReadonlyMap<string, string>): Buffer {
  const list = [...signatures].map(
    ([keyid, sig]) =>
      new Map([
        ['keyid', keyid],
        ['sig', sig],
      ]),
  )
  const bytes = canonical(
    new Map<string, Json>([
      ['signatures', list],
      ['signed', signed],
    ]),
  )
  const read: Metadata<unknown> = readMetadata(bytes, kind)
  return Buffer.from(read.bytes)
}

function dated(type: TopRole, { version, expiresMs }: Dating) {
  const expires = `${new Date(expiresMs).toISOString().slice(0, 19)}Z`
  return { _type: type, spec_version: '1.0.34', version, expires }
}

function keyObject(publicHex: string) {
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicHex } }
}

function keyObjects(roles: readonly NewRole[]) {
  const all = roles.flatMap(({ keys }) => keys)
  return Object.fromEntries(all.map((hex) => [keyIdOf(hex), keyObject(hex)]))
}

function roleObject({ keys, threshold }: NewRole) {
  return { keyids: keys.map(keyIdOf), threshold }
}

function metaObject({ version, length, sha256 }: Named) {
  return { version, length, hashes: { sha256 } }
}

/** Through the strict reader: what it refuses is not made. */
function jsonOf(value: object): JsonObject {
  return readJson(Buffer.from(JSON.stringify(value))) as JsonObject
}
