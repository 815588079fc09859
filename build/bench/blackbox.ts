// Prometheus' blackbox_exporter on the same target, as a yardstick: a prober written in Go, which keeps no results
// and is asked over HTTP for each step. One check is two of its probes, a DNS question and a HEAD over TLS.

import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'
import { cpuMsOf, memoryOf } from './process-figures.ts'
import type { TargetPorts } from './target.ts'

/** The program's name in Debian, then its original one. */
const names = ['prometheus-blackbox-exporter', 'blackbox_exporter']

export const howToInstall = 'apt-get install prometheus-blackbox-exporter'

/** @returns null when it is not installed. */
export function blackboxVersion(): { command: string; version: string } | null {
  for (const command of names) {
    const { status, stdout, stderr } = spawnSync(command, ['--version'], { encoding: 'utf8' })
    if (status === 0) return { command, version: /version (\S+)/.exec(stdout + stderr)?.[1] ?? 'unknown' }
  }
  return null
}

export interface BlackboxFigures {
  readonly startRssMib: number
  readonly endRssMib: number
  readonly peakMib: number
  readonly cpuMsPerCheck: number
}

/** @param folder - Folder where its configuration may be written. */
export async function loadBlackbox(
  command: string,
  folder: string,
  target: TargetPorts,
  { root }: Certificate,
  checks: number,
): Promise<BlackboxFigures> {
  // The configuration is YAML, and JSON is valid YAML.
  const configuration = join(folder, 'blackbox.json')
  writeFileSync(configuration, JSON.stringify({ modules: modules(root) }))
  const port = await freePort()
  const listen = `--web.listen-address=127.0.0.1:${port}`
  const child = spawn(command, [`--config.file=${configuration}`, listen, '--log.level=error'], {
    stdio: 'inherit',
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`Cannot start ${command}`)
  try {
    const agent = new Agent({ keepAlive: true, maxSockets: 2 })
    const probe = (module: string, of: string) =>
      ask(`http://127.0.0.1:${port}/probe?module=${module}&target=${encodeURIComponent(of)}`, agent)
    const check = async () => {
      await probe('dns', `127.0.0.1:${target.dns}`)
      await probe('https', `https://127.0.0.1:${target.https}/`)
    }
    await untilReady(check)
    const startRssMib = memoryOf(pid).rssMib
    const cpuAtStart = cpuMsOf(pid)
    for (let done = 0; done < checks; done += 2) await Promise.all([check(), check()])
    const cpuMsPerCheck = (cpuMsOf(pid) - cpuAtStart) / checks
    const { rssMib, peakMib } = memoryOf(pid)
    agent.destroy()
    return { startRssMib, endRssMib: rssMib, peakMib, cpuMsPerCheck }
  } finally {
    child.kill()
  }
}

function modules(root: string) {
  return {
    dns: {
      prober: 'dns',
      timeout: '10s',
      dns: {
        query_name: 'target.test',
        query_type: 'A',
        transport_protocol: 'udp',
        preferred_ip_protocol: 'ip4',
      },
    },
    https: {
      prober: 'http',
      timeout: '10s',
      http: {
        method: 'HEAD',
        preferred_ip_protocol: 'ip4',
        headers: { Host: 'target.test' },
        tls_config: { ca_file: root, server_name: 'target.test' },
      },
    },
  }
}

/**
 * Asks for one probe.
 * @throws When the probe did not succeed: a failed one is cheaper and would make the figures look better.
 */
function ask(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        text.includes('\nprobe_success 1')
          ? resolve()
          : reject(new Error(`blackbox_exporter did not succeed: ${text}`)),
      )
    })
    request.on('error', reject)
  })
}

/** The program prints nothing when it begins to listen, so it is asked until it answers. */
async function untilReady(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
