// DNS over TLS (RFC 7858) and over HTTPS (RFC 8484) for the lab's names; always the truth.

import { createServer as createHttps } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { createServer as createTls } from 'node:tls'
import type { Issued } from '../support/certificates.ts'
import { answerTo } from './name-server.ts'
import { listen } from './pages.ts'
import { dohPath, dotPort } from './topology.ts'

const mediaType = 'application/dns-message'

export async function startEncryptedNameServer(address: string, leaf: Issued): Promise<void> {
  const overTls = createTls({ ...leaf, ALPNProtocols: ['dot'] }, (socket) => {
    socket.on('error', () => {})
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      // Two bytes of length before each message, as over TCP.
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const reply = answerTo(received.subarray(2, end))
        received = received.subarray(end)
        if (reply === null) continue
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.packet.length)
        socket.write(Buffer.concat([length, reply.packet]))
      }
    })
  })
  const overHttps = createHttps({ ...leaf }, async (request, response) => {
    const reply = request.url === dohPath ? answerTo(await buffer(request)) : null
    if (reply === null) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': mediaType }).end(reply.packet)
  })
  await listen(overTls, dotPort, address)
  await listen(overHttps, 443, address)
}
