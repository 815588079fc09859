// From when on what a device sends is not to be taken for its owner's: its key may be in other hands. One file per device,
// `suspected/<device>.json`; nothing is refused or removed for it, and whoever reads measurements is told. What counts is when a
// batch came, since whoever has the key can write any other time into it.

import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type DeviceId, deviceId } from '../../tests-spec/protocol/batch.ts'
import { makeFolder, syncFolder, writeDurably } from './durable-file.ts'

/** Milliseconds since 1970 on the collector's clock, by device. */
export type Suspected = ReadonlyMap<string, number>

const content = v.looseObject({
  v: v.literal(1),
  since: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

const folderIn = (state: string) => join(state, 'suspected')

/** Read from the disk each time, which takes some microseconds: `sonde-collector suspect` is another process. */
export function readSuspected(state: string): Suspected {
  let names: string[]
  try {
    names = readdirSync(folderIn(state))
  } catch {
    return new Map()
  }
  return new Map(
    names.flatMap((name) => {
      const device = name.replace(/\.json$/, '')
      return v.is(deviceId, device) ? [[device, sinceIn(join(folderIn(state), name))] as const] : []
    }),
  )
}

/** What cannot be read is suspected from the beginning: a rotten file must not clear anyone. */
function sinceIn(path: string): number {
  try {
    return v.parse(content, JSON.parse(readFileSync(path, 'utf8'))).since
  } catch {
    return 0
  }
}

/** Survives a power cut when it resolves. */
export async function suspect(state: string, device: DeviceId, since: number): Promise<void> {
  await makeFolder(folderIn(state))
  await writeDurably(join(folderIn(state), `${device}.json`), Buffer.from(JSON.stringify({ v: 1, since })))
}

export async function clearSuspicion(state: string, device: DeviceId): Promise<void> {
  await makeFolder(folderIn(state))
  await rm(join(folderIn(state), `${device}.json`), { force: true })
  await syncFolder(folderIn(state))
}
