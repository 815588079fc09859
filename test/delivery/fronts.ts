// Servers that stand in front of a collector, each with the configuration that people give it.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Front, Place } from './front.ts'
import { furtherFronts } from './further-fronts.ts'

const deploy = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/collector/${name}`, import.meta.url)), 'utf8')

function nginx(serverOf: (place: Place) => string, outside = (_: Place) => ''): Front['prepare'] {
  return (place) => {
    const { folder } = place
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((each) => `${each}_temp_path ${folder}/nginx-${each};`)
      .join(' ')
    const path = join(folder, 'nginx.conf')
    // `user root`: in a sandbox there may be no other.
    writeFileSync(
      path,
      `daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; worker_processes 1;
events {}
http { access_log off; ${temporary} ${outside(place)}
${serverOf(place)} }`,
    )
    return ['nginx', '-e', `${folder}/nginx.log`, '-c', path]
  }
}

function haproxy(option: string): Front['prepare'] {
  return ({ folder, address, port, collectorPort }) => {
    const path = join(folder, 'haproxy.cfg')
    writeFileSync(
      path,
      `defaults
  mode http
  ${option}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend all
  bind ${address}:${port}
  default_backend collector
backend collector
  server one 127.0.0.1:${collectorPort}
`,
    )
    return ['haproxy', '-f', path]
  }
}

function caddy(textOf: (place: Place) => string): Front['prepare'] {
  return (place) => {
    const path = join(place.folder, 'Caddyfile')
    writeFileSync(path, textOf(place))
    return ['caddy', 'run', '--config', path, '--adapter', 'caddyfile']
  }
}

const listens = ({ address, port }: Place) => `listen ${address}:${port};`
const needs = {
  nginx: { program: 'nginx', package: 'nginx-light' },
  caddy: { program: 'caddy', package: 'caddy' },
  haproxy: { program: 'haproxy', package: 'haproxy' },
}

/** Those that the documentation speaks of. */
export const usualFronts = {
  none: { needs: null, scheme: 'http', behindProxy: false, prepare: () => null },
  nginx: {
    needs: needs.nginx,
    scheme: 'http',
    behindProxy: false,
    prepare: nginx(
      (place) =>
        `server { ${listens(place)} location / { proxy_pass http://127.0.0.1:${place.collectorPort}; } }`,
    ),
  },
  'nginx kept': {
    needs: needs.nginx,
    scheme: 'http',
    behindProxy: false,
    prepare: nginx(
      (place) =>
        `server { ${listens(place)} location / { proxy_pass http://collector; proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
      ({ collectorPort }) => `upstream collector { server 127.0.0.1:${collectorPort}; keepalive 8; }`,
    ),
  },
  'nginx closes': {
    needs: needs.nginx,
    scheme: 'http',
    behindProxy: false,
    prepare: nginx(
      (place) =>
        `server { ${listens(place)} keepalive_timeout 0; location / { proxy_pass http://127.0.0.1:${place.collectorPort}; } }`,
    ),
  },
  caddy: {
    needs: needs.caddy,
    scheme: 'http',
    behindProxy: false,
    prepare: caddy(
      ({ address, port, collectorPort }) =>
        `{\n admin off\n auto_https off\n log {\n  level ERROR\n }\n}\nhttp://${address}:${port} {\n reverse_proxy 127.0.0.1:${collectorPort}\n}\n`,
    ),
  },
  haproxy: { needs: needs.haproxy, scheme: 'http', behindProxy: false, prepare: haproxy('') },
  'haproxy closes': {
    needs: needs.haproxy,
    scheme: 'http',
    behindProxy: false,
    prepare: haproxy('option httpclose'),
  },
  'our haproxy.cfg': {
    needs: needs.haproxy,
    scheme: 'https',
    behindProxy: true,
    prepare({ folder, address, port, collectorPort, certificate, key }) {
      const path = join(folder, 'haproxy.cfg')
      const both = join(folder, 'both.pem')
      writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'))
      const text = /^frontend[\s\S]*?(?=^```)/m.exec(deploy('README.md'))?.[0] ?? ''
      writeFileSync(
        path,
        text
          .replace('bind :443', `bind ${address}:${port}`)
          .replace(/crt \S+/, `crt ${both}`)
          .replace('127.0.0.1:8080', `127.0.0.1:${collectorPort}`),
      )
      return ['haproxy', '-f', path]
    },
  },
  'our nginx.conf': {
    needs: needs.nginx,
    scheme: 'https',
    behindProxy: true,
    prepare: nginx(({ address, port, collectorPort, certificate, key }) =>
      deploy('nginx.conf')
        .replace(/^.*listen \[::\].*$/m, '')
        .replace(/listen 443 ssl/, `listen ${address}:${port} ssl`)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${collectorPort}`)
        .replace(/\/\S+fullchain\.pem/, certificate)
        .replace(/\/\S+privkey\.pem/, key),
    ),
  },
  'our Caddyfile': {
    needs: needs.caddy,
    scheme: 'https',
    behindProxy: true,
    prepare: caddy(
      ({ address, port, collectorPort, certificate, key }) =>
        `{\n admin off\n auto_https disable_redirects\n log {\n  level ERROR\n }\n}\n${deploy('Caddyfile')
          .replace('collector.example {', `https://${address}:${port} {\n\ttls ${certificate} ${key}`)
          .replaceAll('127.0.0.1:8080', `127.0.0.1:${collectorPort}`)}`,
    ),
  },
} as const satisfies Record<string, Front>
export const fronts = { ...usualFronts, ...furtherFronts }
export type FrontName = keyof typeof fronts

/** @returns The Debian package to install; null when the front can be started here. */
export function missingPackage(name: FrontName): string | null {
  const { needs } = fronts[name]
  if (needs === null) return null
  const found = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${needs.program}`])
  return found.status === 0 ? null : needs.package
}
