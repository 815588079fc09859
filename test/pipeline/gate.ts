// A gate between agent and collector: a TCP relay that a test closes and opens, to stand in for the way out.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * - `open`: relays.
 * - `silent`: takes the connection and what is sent, and answers nothing.
 * - `one_way`: passes requests on and swallows the answers: a receipt lost on the way.
 */
export type GateMode = 'open' | 'silent' | 'one_way'

export interface Gate {
  readonly url: string
  setMode(mode: GateMode): void
  /** Resolves when an upload has come as far as the mode lets it. */
  untilUpload(): Promise<void>
  close(): void
}

export async function startGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let mode: GateMode = 'open'
  let uploads: (() => void)[] = []
  const uploaded = () => {
    for (const resolve of uploads) resolve()
    uploads = []
  }
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    client.once('data', (first) => {
      const isUpload = first.toString('latin1').startsWith('POST /v1/batches')
      if (mode === 'silent') {
        client.resume()
        if (isUpload) uploaded()
        return
      }
      const upstream = connect(Number(port), hostname)
      sockets.add(upstream)
      upstream.on('error', () => client.destroy())
      client.on('close', () => upstream.destroy())
      upstream.write(first)
      client.pipe(upstream)
      if (mode === 'open') upstream.pipe(client)
      else
        upstream.on('data', (answer) => {
          // Interim answers say that the batch is on its way, not that it has arrived.
          if (isUpload && / 20[01] /.test(answer.toString('latin1'))) uploaded()
        })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setMode(next) {
      mode = next
    },
    untilUpload: () => new Promise((resolve) => uploads.push(resolve)),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
