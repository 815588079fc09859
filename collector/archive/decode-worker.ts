// The thread that unpacks payloads: decoder.ts starts it. It knows nothing but how.

import { parentPort } from 'node:worker_threads'
import type { Manifest } from '../../tests-spec/protocol/batch.ts'
import { openPayload } from '../../tests-spec/protocol/payload.ts'

export interface DecodeRequest {
  readonly promised: Manifest['payload']
  readonly payload: Uint8Array
}

parentPort?.on('message', ({ promised, payload }: DecodeRequest) => {
  const opened = openPayload(promised, payload)
  if (opened.kind === 'lying') parentPort?.postMessage(opened)
  else {
    // Bytes of their own: those of a small buffer share memory with others, and would take it along.
    const isOwn = opened.raw.byteLength === opened.raw.buffer.byteLength
    const raw = isOwn ? opened.raw : new Uint8Array(opened.raw)
    parentPort?.postMessage({ kind: 'opened', raw }, [raw.buffer as ArrayBuffer])
  }
})
