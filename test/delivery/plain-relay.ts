// Hands bytes on from one port to one on loopback. Arguments: address, port, port behind.

import { connect, createServer } from 'node:net'

const [, , address = '', port = '', behind = ''] = process.argv
const server = createServer((client) => {
  const upstream = connect(Number(behind), '127.0.0.1')
  client.on('error', () => upstream.destroy()).pipe(upstream)
  upstream.on('error', () => client.destroy()).pipe(client)
})
server.listen(Number(port), address, () => process.stdout.write('ready\n'))
