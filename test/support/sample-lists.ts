// A repository of signed lists for tests, with keys of its own: publishes, rotates, and keeps every version, so that a
// test can be any mirror, thief or network.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { UpdateSource } from '../../agent/update/source.ts'
import { canonical } from '../../tests-spec/lists/tuf/canonical.ts'
import type { Answer, Ask } from '../../tests-spec/lists/tuf/client-workflow.ts'
import { readJson } from '../../tests-spec/lists/tuf/json.ts'
import { metadataName, targetName } from '../../tests-spec/lists/tuf/paths.ts'

export interface SampleKey {
  readonly id: string
  readonly object: object
  readonly privateKey: KeyObject
}

/** @param name - The same key for the same name; by default another one each time. */
export function sampleKey(name: string = randomUUID()): SampleKey {
  const seed = createHash('sha256').update(name).digest()
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: pkcs8, type: 'pkcs8', format: 'der' })
  const publicKey = createPublicKey(privateKey)
  const hex = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')
  const object = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } }
  const id = createHash('sha256')
    .update(canonical(readJson(Buffer.from(JSON.stringify(object)))))
    .digest('hex')
  return { id, object, privateKey }
}

export function signed(content: object, keys: readonly SampleKey[]): Buffer {
  const bytes = canonical(readJson(Buffer.from(JSON.stringify(content))))
  const signatures = keys.map(({ id, privateKey }) => ({
    keyid: id,
    sig: sign(null, bytes, privateKey).toString('hex'),
  }))
  return Buffer.from(JSON.stringify({ signatures, signed: content }))
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const metaOf = (bytes: Uint8Array, version: number) => ({
  version,
  length: bytes.length,
  hashes: { sha256: sha256(bytes) },
})
const several = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => sampleKey(`${name} ${i}`))

const days = 86_400_000

interface SampleGroup {
  key: SampleKey
  /** Who signs; null for its key. */
  signer: SampleKey | null
  version: number
  readonly lists: Map<string, Buffer>
  /** Of the paths that are its own. */
  readonly pattern: string
}

export class SampleLists implements UpdateSource {
  /** Milliseconds since 1970: what is published from now on expires so many days after this. */
  nowMs: number
  lifetimes = { root: 730, targets: 180, group: 60, snapshot: 60, timestamp: 30 }
  keys: Record<'root' | 'targets' | 'snapshot' | 'timestamp', SampleKey[]>
  readonly groups = new Map<string, SampleGroup>()
  readonly lists = new Map<string, Buffer>()
  versions = { root: 0, targets: 0, snapshot: 0, timestamp: 0 }
  /** All that was ever published, by kind and name. */
  readonly files = { metadata: new Map<string, Buffer>(), target: new Map<string, Buffer>() }
  asked: string[] = []

  /** @param name - Two of one name have the same keys and the same root, for processes that speak of one repository. */
  constructor(nowMs: number, name: string = randomUUID()) {
    this.nowMs = nowMs
    this.keys = {
      root: several(3, `${name} root`),
      targets: several(3, `${name} targets`),
      snapshot: several(1, `${name} snapshot`),
      timestamp: several(1, `${name} timestamp`),
    }
    this.publishRoot()
  }

  get root(): Buffer {
    return this.files.metadata.get('1.root.json') as Buffer
  }

  /** @param signers - By default the first two of those that the root before named, and of its own. */
  publishRoot(signers: readonly SampleKey[] = this.keys.root.slice(0, 2)): void {
    const { keys } = this
    const version = ++this.versions.root
    const role = (own: readonly SampleKey[], threshold: number) => ({
      keyids: own.map(({ id }) => id),
      threshold,
    })
    const content = {
      ...this.#dated('root', version),
      consistent_snapshot: true,
      keys: Object.fromEntries(
        Object.values(keys).flatMap((own) => own.map(({ id, object }) => [id, object])),
      ),
      roles: {
        root: role(keys.root, 2),
        targets: role(keys.targets, 2),
        snapshot: role(keys.snapshot, 1),
        timestamp: role(keys.timestamp, 1),
      },
    }
    this.files.metadata.set(metadataName('root', version), signed(content, signers))
  }

  addGroup(name: string, pattern = `groups/${name}/*`): void {
    this.groups.set(name, { key: sampleKey(), signer: null, version: 0, lists: new Map(), pattern })
  }

  /** @throws {Error} When there is none of the name. */
  group(name: string): SampleGroup {
    const group = this.groups.get(name)
    if (group === undefined) throw new Error(`There is no group ${name}`)
    return group
  }

  /** Signs and serves all there is: targets, groups, snapshot, timestamp. */
  publish(): void {
    const groups = [...this.groups].map(([name, group]) => {
      const bytes = signed(
        {
          ...this.#dated('targets', ++group.version, this.lifetimes.group),
          targets: this.#targets(group.lists),
        },
        [group.signer ?? group.key],
      )
      this.files.metadata.set(metadataName(name, group.version), bytes)
      return [`${name}.json`, metaOf(bytes, group.version)] as const
    })
    const delegations = {
      keys: Object.fromEntries([...this.groups.values()].map(({ key }) => [key.id, key.object])),
      roles: [...this.groups].map(([name, { key, pattern }]) => ({
        name,
        keyids: [key.id],
        threshold: 1,
        terminating: true,
        paths: [pattern],
      })),
    }
    const targets = this.#put(
      'targets',
      { targets: this.#targets(this.lists), delegations },
      this.keys.targets,
    )
    const meta = { 'targets.json': targets, ...Object.fromEntries(groups) }
    const snapshot = this.#put('snapshot', { meta }, this.keys.snapshot)
    this.publishTimestamp({ 'snapshot.json': snapshot })
  }

  publishTimestamp(meta: object): void {
    const content = { ...this.#dated('timestamp', ++this.versions.timestamp), meta }
    this.files.metadata.set('timestamp.json', signed(content, this.keys.timestamp))
  }

  async get({ kind, name, maxBytes }: Ask): Promise<Answer> {
    this.asked.push(name)
    const bytes = this.files[kind].get(name)
    if (bytes === undefined) return 'not_found'
    return bytes.length > maxBytes ? 'too_long' : bytes
  }

  /** What it serves now, for a mirror that goes on showing this. */
  frozen(): UpdateSource {
    const files = { metadata: new Map(this.files.metadata), target: new Map(this.files.target) }
    return { get: async ({ kind, name }) => files[kind].get(name) ?? 'not_found' }
  }

  #put(role: 'targets' | 'snapshot', content: object, keys: readonly SampleKey[]) {
    const version = ++this.versions[role]
    const bytes = signed({ ...this.#dated(role, version), ...content }, keys.slice(0, 2))
    this.files.metadata.set(metadataName(role, version), bytes)
    return metaOf(bytes, version)
  }

  #targets(lists: ReadonlyMap<string, Buffer>): object {
    return Object.fromEntries(
      [...lists].map(([path, bytes]) => {
        const hash = sha256(bytes)
        this.files.target.set(targetName(path, hash), bytes)
        return [path, { length: bytes.length, hashes: { sha256: hash } }]
      }),
    )
  }

  #dated(
    type: 'root' | 'targets' | 'snapshot' | 'timestamp',
    version: number,
    lifetime = this.lifetimes[type],
  ) {
    const expires = new Date(this.nowMs + lifetime * days).toISOString().replace(/\.\d+Z$/, 'Z')
    return { _type: type, spec_version: '1.0.34', version, expires }
  }
}
