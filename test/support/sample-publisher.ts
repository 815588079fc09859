// A repository of lists whose snapshot and timestamp a collector signs: SampleLists with a root that names the collector's keys,
// and files as a coordinator sends them.

import type { OnlineKeys } from '../../collector/publish/online-keys.ts'
import { writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { SampleLists } from './sample-lists.ts'

export class SamplePublisher extends SampleLists {
  constructor(nowMs: number, { snapshot, timestamp }: OnlineKeys) {
    super(nowMs)
    const object = (publicHex: string) => ({
      keytype: 'ed25519',
      scheme: 'ed25519',
      keyval: { public: publicHex },
    })
    const sample = ({ id, publicHex, privateKey }: OnlineKeys['snapshot']) => ({
      id,
      object: object(publicHex),
      privateKey,
    })
    this.keys.snapshot = [sample(snapshot)]
    this.keys.timestamp = [sample(timestamp)]
    this.files.metadata.clear()
    this.versions.root = 0
    this.publishRoot()
  }

  /** All that was ever published, less what the collector signs itself. */
  get given(): Map<string, Uint8Array> {
    const metadata = [...this.files.metadata].filter(
      ([name]) => !/^(\d+\.snapshot|timestamp)\.json$/.test(name),
    )
    return new Map<string, Uint8Array>([
      ...metadata.map(([name, bytes]) => [`metadata/${name}`, bytes] as const),
      ...[...this.files.target].map(([name, bytes]) => [`targets/${name}`, bytes] as const),
    ])
  }

  get oneFile(): Buffer {
    return writeOneFile(this.given)
  }
}
