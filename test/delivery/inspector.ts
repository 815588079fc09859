// A box that opens TLS with a key of its own, as inspecting proxies do, and never sees a request. Arguments: address, port.

import { createServer } from 'node:tls'
import { selfSigned } from '../support/certificates.ts'

const [, , address = '', port = ''] = process.argv
const server = createServer(selfSigned({ names: [address] }), (socket) => socket.on('error', () => {}))
server.on('tlsClientError', () => {})
server.listen(Number(port), address, () => process.stdout.write('ready\n'))
