// The socket beside a running agent: the same answers as the spool itself, and an agent that no
// caller can bring down.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../collector/sample-collector.ts'
import { closeDevices, folder, type StickDevice, stickDevice } from '../test/stick-device.ts'
import { connectOutbox, serveOutbox } from './outbox-socket.ts'

let collector: SampleCollector
let device: StickDevice
let path: string
let served: Awaited<ReturnType<typeof serveOutbox>>
beforeAll(async () => {
  collector = await SampleCollector.start()
})
afterAll(() => collector.remove())
beforeEach(async () => {
  device = await stickDevice(collector)
  path = join(folder('socket'), 'socket')
  served = await serveOutbox(path, device.outbox)
})
afterEach(async () => {
  served?.close()
  await closeDevices()
})

async function connected() {
  const outbox = await connectOutbox(path)
  if (outbox === null) throw new Error('Nobody answers')
  return outbox
}

describe('connectOutbox()', () => {
  it('gives what the spool itself gives', async () => {
    await device.batches(2, 50_000)
    void device.spool.put({
      class: 'routine',
      time: { wall_ms: 1, boot: 'b', mono_ms: 1, clock: 'synced' },
      measurement: {} as never,
    })
    const outbox = await connected()
    expect(await outbox.sealAll()).toBe(true)
    const pending = await outbox.pending()
    expect(pending).toEqual((await device.outbox.pending()).map(({ id, bytes }) => ({ id, bytes })))
    expect(pending).toHaveLength(3)
    // Asked all at once, answered each with its own.
    const read = await Promise.all(pending.map(({ id }) => outbox.read(id)))
    expect(read).toEqual(await Promise.all(pending.map(({ id }) => device.outbox.read(id))))
    expect(await outbox.read('f'.repeat(64) as never)).toBeNull()
    const [first] = read
    const { receipt } = await collector.collector.intake.accept(first ?? Buffer.alloc(0))
    expect(await outbox.receipted(Buffer.from('{}'))).toBe(false)
    expect(await outbox.refused(receipt)).toEqual([])
    expect(await outbox.receipted(receipt)).toBe(true)
    expect(await outbox.receipted(receipt)).toBe(false)
    expect(device.spool.pending()).toHaveLength(2)
    outbox.close()
  })

  it('finds nobody where nobody listens: no socket, one that was left, a file', async () => {
    served?.close()
    expect(await connectOutbox(path)).toBeNull()
    expect(await connectOutbox(`${path}-not`)).toBeNull()
    writeFileSync(`${path}-file`, '')
    expect(await connectOutbox(`${path}-file`)).toBeNull()
    expect(await connectOutbox(`/${'x'.repeat(300)}`)).toBeNull()
  })

  it('says so when the agent ends in the middle', async () => {
    const outbox = await connected()
    await outbox.pending()
    served?.close()
    await expect(outbox.pending()).rejects.toMatchObject({ code: 'already_running', exitCode: 75 })
  })
})

describe('serveOutbox()', () => {
  it('takes the place of a socket that was left by an agent that was killed', async () => {
    const left = `${path}-left`
    writeFileSync(left, 'in the way')
    const again = await serveOutbox(left, device.outbox)
    expect(again).not.toBeNull()
    again?.close()
  })

  it('is null where the path is too long for a socket, or there is no such folder', async () => {
    expect(await serveOutbox(join(folder('socket'), 'x'.repeat(200)), device.outbox)).toBeNull()
    expect(await serveOutbox(join(path, 'below', 'socket'), device.outbox)).toBeNull()
  })

  it('answers null to what it does not understand, and goes on', async () => {
    const socket = connect(path)
    let said = ''
    socket.on('data', (bytes) => {
      said += bytes
    })
    const lines = [
      '',
      'x',
      '[]',
      '{"ask":"erase"}',
      '{"ask":"read","id":"../../device-key"}',
      '{"ask":"receipted"}',
    ]
    socket.end(lines.map((line) => `${line}\n`).join(''))
    await once(socket, 'close')
    expect(said).toBe('null\n'.repeat(lines.length))
    const hasty = connect(path)
    hasty.write('{"ask":"pending"')
    await once(hasty, 'connect')
    hasty.destroy()
    const outbox = await connected()
    expect(await outbox.pending()).toEqual([])
    outbox.close()
  })
})
