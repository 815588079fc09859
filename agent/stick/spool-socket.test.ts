// The socket beside a running agent: it answers as the spool itself does, and no caller can bring the agent down.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { closeDevices, folder, type StickDevice, stickDevice } from '../../test/support/stick-device.ts'
import { connectSpool, serveSpool } from './spool-socket.ts'

let collector: SampleCollector
let device: StickDevice
let path: string
let served: Awaited<ReturnType<typeof serveSpool>>
beforeAll(async () => {
  collector = await SampleCollector.start()
})
afterAll(() => collector.remove())
beforeEach(async () => {
  device = await stickDevice(collector)
  path = join(folder('socket'), 'socket')
  served = await serveSpool(path, device.access)
})
afterEach(async () => {
  served?.close()
  await closeDevices()
})

async function connected() {
  const spool = await connectSpool(path)
  if (spool === null) throw new Error('Nobody answers')
  return spool
}

describe('connectSpool()', () => {
  it('gives what the spool itself gives', async () => {
    await device.batches(2, 50_000)
    void device.spool.put({
      class: 'routine',
      time: { wall_ms: 1, boot: 'b', mono_ms: 1, clock: 'synced' },
      measurement: {} as never,
    })
    const spool = await connected()
    expect(await spool.sealAll()).toBe(true)
    const pending = await spool.pending()
    expect(pending).toEqual(await device.access.pending())
    expect(pending).toHaveLength(3)
    // All questions are asked at once, and each gets its own answer.
    const read = await Promise.all(pending.map(({ id }) => spool.read(id)))
    expect(read).toEqual(await Promise.all(pending.map(({ id }) => device.access.read(id))))
    expect(await spool.read('f'.repeat(64) as never)).toBeNull()
    const [first] = read
    const { receipt } = await collector.collector.intake.accept(first ?? Buffer.alloc(0))
    expect(await spool.receipted(Buffer.from('{}'))).toBe(false)
    expect(await spool.refused(receipt)).toEqual([])
    expect(await spool.receipted(receipt)).toBe(true)
    expect(await spool.receipted(receipt)).toBe(false)
    expect(device.spool.pending()).toHaveLength(2)
    spool.close()
  })

  it('finds nobody where nobody listens: no socket, one that was left, a file', async () => {
    served?.close()
    expect(await connectSpool(path)).toBeNull()
    expect(await connectSpool(`${path}-not`)).toBeNull()
    writeFileSync(`${path}-file`, '')
    expect(await connectSpool(`${path}-file`)).toBeNull()
    expect(await connectSpool(`/${'x'.repeat(300)}`)).toBeNull()
  })

  it('says so when the agent ends in the middle', async () => {
    const spool = await connected()
    await spool.pending()
    served?.close()
    await expect(spool.pending()).rejects.toMatchObject({ code: 'already_running', exitCode: 75 })
  })
})

describe('serveSpool()', () => {
  it('takes the place of a socket that was left by an agent that was killed', async () => {
    const left = `${path}-left`
    writeFileSync(left, 'in the way')
    const again = await serveSpool(left, device.access)
    expect(again).not.toBeNull()
    again?.close()
  })

  it('is null where the path is too long for a socket, or there is no such folder', async () => {
    expect(await serveSpool(join(folder('socket'), 'x'.repeat(200)), device.access)).toBeNull()
    expect(await serveSpool(join(path, 'below', 'socket'), device.access)).toBeNull()
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
    const spool = await connected()
    expect(await spool.pending()).toEqual([])
    spool.close()
  })
})
