// What the servers of the lab say: the sites' own pages, and the censor's.

import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import type { Issued } from '../support/certificates.ts'
import { controlBody, outside, type SiteKind } from './topology.ts'

export function pageOf(kind: SiteKind): RequestListener {
  switch (kind) {
    case 'control':
      return (_request, response) => response.end(controlBody)
    case 'redirect':
      return redirect('https://news.example/')
    case 'plain_redirect':
      return redirect('http://news.example/')
    case 'long_page':
      return news(6_000)
    case 'captcha':
      return turningAway(captcha('lab'))
    case 'edge_captcha':
      return turningAway(captcha('lab (bko/7EC7)'))
    case 'notice':
      return notice
    case 'certified_notice':
      return politeNotice
    default:
      return news(120)
  }
}

const redirect =
  (location: string): RequestListener =>
  (_request, response) =>
    response.writeHead(302, { server: 'lab', location }).end()

const news =
  (paragraphs: number): RequestListener =>
  (_request, response) => {
    const body = `<title>News from every village</title>${'<p>Nothing of note happened today. '.repeat(paragraphs)}`
    response.writeHead(200, { server: 'lab', 'content-type': 'text/html', 'x-edition': '1' }).end(body)
  }

/** Asks whoever is not the helper for more. */
const turningAway =
  (page: RequestListener): RequestListener =>
  (request, response) =>
    isHelper(request.socket.remoteAddress) ? news(120)(request, response) : page(request, response)

export const isHelper = (address = '') => address === outside.address || address === outside.ipv6.address

const captcha =
  (server: string): RequestListener =>
  (_request, response) => {
    const body = '<title>Attention Required</title>Prove that you are human'
    response.writeHead(403, { server, 'content-type': 'text/html' }).end(body)
  }

export const notice: RequestListener = (_request, response) => {
  const body = '<title>Access restricted</title>By order of the regulator this address cannot be shown.'
  response.writeHead(403, { 'content-type': 'text/html' }).end(body)
}

/** With the site's own status, and headers that every server writes. */
export const politeNotice: RequestListener = (_request, response) => {
  const body = '<title>Access restricted</title>By order of the regulator this address cannot be shown.'
  response
    .writeHead(200, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(body) })
    .end(body)
}

/** Sends readers away in the site's name. */
export const sendingTo =
  (location: string): RequestListener =>
  (_request, response) =>
    response.writeHead(302, { location }).end()

export const portal: RequestListener = (request, response) => {
  if (request.headers.host === 'login.example')
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Log in</title>')
  else response.writeHead(302, { location: 'http://notice.example/login' }).end()
}

export const bundleUsedUp: RequestListener = (_request, response) => {
  const body = '<title>Bundle</title>Your data bundle is used up. Dial *111# to buy another one.'
  response.writeHead(200, { 'content-type': 'text/html' }).end(body)
}

export const httpServer = (page: RequestListener): Server => createHttp(page)
export const httpsServer = (leaf: Issued, page: RequestListener): Server => createHttps(leaf, page)

/** Does one thing to a connection when its first bytes have come: the ClientHello, or the request. */
export const afterFirstBytes = (act: (socket: Socket) => void): Server =>
  createTcp((socket) => socket.once('data', () => act(socket)))

export function listen(server: Server, port: number, address: string): Promise<void> {
  // Whatever a measurement does to its connections, the server must be there for the next one.
  server.on('connection', (socket) => socket.on('error', () => {}))
  return new Promise((resolve) => server.listen(port, address, resolve))
}
