// More servers that stand in front of a collector, each with the few lines that its manual begins with. They are not of the
// documentation, and their packages need not be there.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Front, Place } from './front.ts'

const modules = '/usr/lib/apache2/modules'

/** A front that is started with a file of text. */
function front(
  needs: Front['needs'],
  name: string,
  textOf: (place: Place) => string,
  commandOf: (path: string, place: Place) => readonly string[],
): Front {
  return {
    needs,
    scheme: 'http',
    behindProxy: false,
    prepare(place) {
      const path = join(place.folder, name)
      writeFileSync(path, textOf(place))
      return commandOf(path, place)
    },
  }
}

export const furtherFronts = {
  apache: front(
    { program: 'apache2', package: 'apache2-bin' },
    'httpd.conf',
    ({ folder, address, port, collectorPort }) =>
      [
        ...['mpm_event', 'authz_core', 'proxy', 'proxy_http'].map(
          (each) => `LoadModule ${each}_module ${modules}/mod_${each}.so`,
        ),
        `Listen ${address}:${port}`,
        `ServerName collector.test`,
        `PidFile ${folder}/httpd.pid`,
        `ErrorLog ${folder}/httpd.log`,
        `ProxyPass / http://127.0.0.1:${collectorPort}/`,
      ].join('\n'),
    (path) => ['apache2', '-f', path, '-D', 'FOREGROUND'],
  ),
  lighttpd: front(
    { program: 'lighttpd', package: 'lighttpd' },
    'lighttpd.conf',
    ({ folder, address, port, collectorPort }) =>
      [
        'server.modules = ("mod_proxy")',
        `server.document-root = "${folder}"`,
        `server.upload-dirs = ("${folder}")`,
        `server.bind = "${address}"`,
        `server.port = ${port}`,
        `proxy.server = ("" => (("host" => "127.0.0.1", "port" => ${collectorPort})))`,
      ].join('\n'),
    (path) => ['lighttpd', '-D', '-f', path],
  ),
  varnish: front(
    { program: 'varnishd', package: 'varnish' },
    'default.vcl',
    ({ collectorPort }) => `vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "${collectorPort}"; }\n`,
    (path, { folder, address, port }) => [
      ...['varnishd', '-F', '-f', path, '-a', `${address}:${port}`, '-n', join(folder, 'varnish')],
      ...['-j', 'none', '-s', 'malloc,32m'],
    ],
  ),
  h2o: front(
    { program: 'h2o', package: 'h2o' },
    'h2o.conf',
    ({ folder, address, port, collectorPort }) =>
      [
        'user: root',
        `error-log: ${folder}/h2o.log`,
        'listen:',
        `  host: ${address}`,
        `  port: ${port}`,
        'hosts:',
        '  default:',
        '    paths:',
        '      "/":',
        `        proxy.reverse.url: "http://127.0.0.1:${collectorPort}/"`,
      ].join('\n'),
    (path) => ['h2o', '-m', 'worker', '-c', path],
  ),
  nghttpx: front(
    { program: 'nghttpx', package: 'nghttp2-proxy' },
    'nghttpx.conf',
    ({ address, port, collectorPort }) =>
      [
        `frontend=${address},${port};no-tls`,
        `backend=127.0.0.1,${collectorPort}`,
        'workers=1',
        'errorlog-file=/dev/null',
        'accesslog-file=/dev/null',
      ].join('\n'),
    (path) => ['nghttpx', `--conf=${path}`],
  ),
} as const satisfies Record<string, Front>
