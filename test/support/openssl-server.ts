// A TLS server by the `openssl` command line, for what Node's own server does not do: to end a handshake by an alert because
// the client has no certificate.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { Issued } from './certificates.ts'

/** Listens on loopback until the test has finished. Every client must have a certificate, and none has one. */
export async function serveWantingCertificate(
  { key, cert }: Issued,
  version: '-tls1_2' | '-tls1_3',
  alpn?: string,
): Promise<{ readonly ip: string; readonly port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-openssl-'))
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(keyFile, key)
  writeFileSync(certFile, cert)
  const files = ['-key', keyFile, '-cert', certFile]
  const wanting = [
    '-Verify',
    '1',
    '-verify_return_error',
    '-www',
    version,
    ...(alpn === undefined ? [] : ['-alpn', alpn]),
  ]
  const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', ...files, ...wanting], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  onTestFinished(async () => {
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  })
  for await (const line of createInterface(server.stdout)) {
    const port = /^ACCEPT .*:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) return { ip: '127.0.0.1', port: Number(port) }
  }
  throw new Error('Cannot start openssl s_server')
}
