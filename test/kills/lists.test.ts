// The built collector, killed at random instants while lists are sent to it: what it serves afterwards is what was published
// before or what was sent, whole, and nothing that it said yes to is gone.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ListUpdate } from '../../agent/update/list-update.ts'
import { mirrorSource } from '../../agent/update/source.ts'
import { openOnlineKeys } from '../../collector/publish/online-keys.ts'
import { listsMediaType } from '../../tests-spec/lists/lists-upload.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { startCollector, temporaryFolder } from '../support/processes.ts'
import { SamplePublisher } from '../support/sample-publisher.ts'
import { SimulatedDisk } from '../support/simulated-disk.ts'

const kills = process.env.SONDE_DEEP === '1' ? 100 : 12
const path = 'core/list.json'

it(`after each of ${kills} kills the old lists are served or the new ones, never none`, {
  timeout: 600_000,
}, async () => {
  const state = temporaryFolder('lists')
  const lists = new SamplePublisher(Date.now(), await openOnlineKeys(state))
  const root = join(temporaryFolder('root'), 'root.json')
  writeFileSync(root, lists.root)
  const disk = new SimulatedDisk()
  let confirmed = 0
  const seen = { old: 0, fresh: 0 }
  for (let version = 1; version <= kills + 2; version++) {
    lists.lists.set(path, Buffer.from(`core ${version}`))
    lists.publish()
    const collector = await startCollector(state, ['--lists-root', root])
    const served = confirmed === 0 && version === 1 ? null : await measured(collector.url)
    if (served !== null) {
      expect([confirmed, version - 1]).toContain(served)
      if (served === version - 1) seen.fresh++
      else seen.old++
      confirmed = served
    }
    if (version === kills + 2) {
      await collector.stop()
      break
    }
    const sending = fetch(`${collector.url}/v1/lists`, {
      method: 'POST',
      headers: { 'content-type': listsMediaType },
      body: lists.oneFile,
    }).then(
      ({ status }) => status,
      () => null,
    )
    // The first is let through, so that there is something to lose.
    if (version > 1) await after(Math.random() * 25)
    if (version === 1) expect(await sending).toBe(200)
    await collector.kill()
    if ((await sending) === 200) confirmed = version
  }
  console.log(
    `lists: ${kills} kills; the list that was being sent was served after ${seen.fresh - 1}, the one before after ${seen.old}`,
  )

  /** By one device, which also sees to it that no version falls. */
  async function measured(url: string): Promise<number> {
    const options = {
      dir: '/update',
      root: lists.root,
      floor: new Map(),
      limits: deviceLimits,
      everyRole: true,
    }
    const update = await ListUpdate.open({ ...options, disk, boot: { id: 'boot', monoMs: 0 } })
    const source = mirrorSource(async (name) => {
      const answer = await fetch(`${url}/v1/lists/${name}`)
      return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : 'not_found'
    })
    const outcome = await update.refresh(source, [path], {
      nowMs: Date.now(),
      isTrusted: true,
      latestMs: null,
    })
    expect(outcome.refusal).toBeNull()
    const list = await update.inForce(path)
    return Number(
      Buffer.from(list?.bytes ?? [])
        .toString()
        .slice('core '.length),
    )
  }
})
