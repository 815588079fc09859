// Sites that are not as the standards have them, and that browsers show all the same; and two that are troubled for everybody.

import { createSecureServer } from 'node:http2'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import type { Issued } from '../support/certificates.ts'
import { httpServer, httpsServer, isHelper, pageOf } from './pages.ts'
import type { OddKind } from './topology.ts'

interface Servers {
  /** On port 80. */
  readonly clear: Server
  /** On port 443. */
  readonly secure: Server
}

const page = pageOf('page')

/** @param leaf - What the site shows; `halfChain` is for the one that forgets a part. */
export function oddSite(kind: OddKind, { leaf, halfChain }: Record<'leaf' | 'halfChain', Issued>): Servers {
  switch (kind) {
    case 'half_chain':
      return { clear: httpServer(page), secure: httpsServer(halfChain, page) }
    case 'bad_head': {
      const closing: typeof page = (request, response) =>
        request.method === 'HEAD' ? request.socket.end() : page(request, response)
      return { clear: httpServer(closing), secure: httpsServer(leaf, closing) }
    }
    case 'http2_only':
      return { clear: httpServer(page), secure: http2Server(leaf) }
    case 'bare_lf':
      return { clear: createTcp(sayBareLf), secure: createTls(leaf, sayBareLf) }
    case 'slow': {
      const slow: typeof page = (request, response) => {
        const late = setTimeout(() => page(request, response), slowMs)
        response.once('close', () => clearTimeout(late))
      }
      return { clear: httpServer(slow), secure: httpsServer(leaf, slow) }
    }
    case 'cuts_once':
      return {
        clear: cuttingOnce(httpServer(page)),
        secure: cuttingOnce(httpsServer(leaf, page)),
      }
    default:
      return kind satisfies never
  }
}

/** Longer than many programs wait, and shorter than a browser. */
const slowMs = 12_000

/** Offers nothing but `h2`, so that whoever does not speak it meets an alert. */
function http2Server(leaf: Issued): Server {
  const server = createSecureServer({ ...leaf, allowHTTP1: false })
  server.on('stream', (stream, { ':method': method }) => {
    stream.on('error', () => {})
    stream.respond(
      { ':status': 200, server: 'lab', 'content-type': 'text/html' },
      { endStream: method === 'HEAD' },
    )
    if (method !== 'HEAD') stream.end('<title>News from every village</title>')
  })
  return server
}

function sayBareLf(socket: Socket): void {
  socket.on('error', () => {})
  socket.once('data', (asked) => {
    const body = '<title>News from every village</title><p>Nothing of note happened today.'
    const head = `HTTP/1.1 200 OK\nServer: lab\nContent-Type: text/html\nContent-Length: ${body.length}\n\n`
    socket.end(asked.toString('latin1').startsWith('HEAD ') ? head : head + body)
  })
}

/** In front of `server`: whoever comes for the first time is cut when it speaks. */
function cuttingOnce(server: Server): Server {
  const known = new Set<string>()
  return createTcp((socket) => {
    const from = socket.remoteAddress ?? ''
    if (known.has(from) || isHelper(from)) {
      server.emit('connection', socket)
      return
    }
    known.add(from)
    socket.once('data', () => socket.resetAndDestroy())
  })
}
