// OONI's own rules for the keys of whatsapp 0.11.0, telegram 0.3.1, facebook_messenger 0.2.1 and signal 0.2.5: a row for each
// line, with what OONI's engine fills.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { facebookMessengerService } from '../../tests-spec/nettests/facebook-messenger.ts'
import { hostOf, portsOf, type Service, type ServiceEndpoint } from '../../tests-spec/nettests/service.ts'
import { signalService } from '../../tests-spec/nettests/signal.ts'
import { telegramService } from '../../tests-spec/nettests/telegram.ts'
import { whatsappService } from '../../tests-spec/nettests/whatsapp.ts'
import { connect, handshake, join, query, response } from '../support/observations.ts'
import type { Keys, OoniRow } from './ooni-keys.ts'

/** How an endpoint ends: at which step, and by what. null: it is reached. Of what is only looked up the port is 0. */
type End = { readonly at: 'lookup' | 'connect' | 'handshake' | 'request'; readonly by: Failure } | null
const silent: End = { at: 'connect', by: 'generic_timeout_error' }
const refused: End = { at: 'connect', by: 'connection_refused' }
const unresolved: End = { at: 'lookup', by: 'dns_nxdomain_error' }
const reset: End = { at: 'handshake', by: 'connection_reset' }
const cut: End = { at: 'request', by: 'connection_reset' }

interface Course {
  readonly end?: (host: string, port: number) => End
  readonly status?: number
  readonly addresses?: (host: string) => readonly string[]
}

const isLiteral = (host: string) => /^[\d.]+$/.test(host)

/** Every endpoint of the service, each as `end` has it. */
function seenOf({ groups }: Service, { end = () => null, status = 200, addresses }: Course): Observations {
  const one = (group: string, endpoint: ServiceEndpoint): Partial<Observations> => {
    const host = hostOf(endpoint)
    const tags = [`group=${group}`, `host=${host}`, 'depth=0', 'classic']
    const ips = addresses?.(host) ?? [isLiteral(host) ? host : '31.13.64.10']
    const failedLookup = [0, ...portsOf(endpoint)]
      .map((port) => end(host, port))
      .find((each) => each?.at === 'lookup')
    const looked = isLiteral(host) ? {} : query(failedLookup?.by ?? ips, { tags, hostname: host })
    if (failedLookup !== undefined || endpoint.kind === 'dns') return looked
    const flows = portsOf(endpoint).flatMap((port) => {
      const ending = end(host, port)
      const ip = ips[0] ?? ''
      const address = `${ip}:${port}`
      const connected = connect(ending?.at === 'connect' ? ending.by : null, { tags, port, ip })
      if (ending?.at === 'connect' || endpoint.kind !== 'url') return [connected]
      const isTls = endpoint.url.startsWith('https:')
      const shaken = isTls
        ? [handshake(ending?.at === 'handshake' ? ending.by : null, { tags, address })]
        : []
      if (ending?.at === 'handshake') return [connected, ...shaken]
      return [
        connected,
        ...shaken,
        response(ending?.at === 'request' ? ending.by : status, { tags, url: endpoint.url, address }),
      ]
    })
    return join(looked, ...flows)
  }
  return join(...groups.flatMap(({ name, endpoints }) => endpoints.map((each) => one(name, each))))
}

const row = (
  service: Service,
  line: string,
  course: Course,
  ooni: Keys,
  ours?: OoniRow['ours'],
): OoniRow => ({
  line,
  seen: seenOf(service, course),
  outside: null,
  ooni,
  ...(ours !== undefined && { ours }),
})

const isChat = (host: string) => /^e\d+\./.test(host)
const chats = Array.from({ length: 16 }, (_, index) => `e${index + 1}.whatsapp.net`)
const whatsappOk = {
  whatsapp_endpoints_status: 'ok',
  whatsapp_endpoints_blocked: [],
  whatsapp_endpoints_dns_inconsistent: [],
  registration_server_status: 'ok',
  registration_server_failure: null,
  whatsapp_web_status: 'ok',
  whatsapp_web_failure: null,
}
const whatsapp = [
  row(whatsappService, 'everything is reached, the status ignored', { status: 400 }, whatsappOk),
  row(
    whatsappService,
    'one connect of the 32 is enough; hosts of which both ports failed are named',
    { end: (host, port) => (isChat(host) && !(host === 'e7.whatsapp.net' && port === 5222) ? silent : null) },
    { ...whatsappOk, whatsapp_endpoints_blocked: chats.filter((host) => host !== 'e7.whatsapp.net') },
  ),
  row(
    whatsappService,
    'no connect works',
    { end: (host) => (isChat(host) ? silent : null) },
    { ...whatsappOk, whatsapp_endpoints_status: 'blocked', whatsapp_endpoints_blocked: chats },
  ),
  row(
    whatsappService,
    'a host without a name counts as failed at both ports',
    { end: (host) => (host === 'e3.whatsapp.net' ? unresolved : null) },
    { ...whatsappOk, whatsapp_endpoints_blocked: ['e3.whatsapp.net'] },
  ),
  row(
    whatsappService,
    'a port of a host is not named',
    { end: (host, port) => (isChat(host) && port === 443 ? silent : null) },
    whatsappOk,
  ),
  row(
    whatsappService,
    'answers of another network are not inconsistent',
    { addresses: () => ['66.0.0.1'] },
    whatsappOk,
  ),
  row(
    whatsappService,
    'the registration server by any network error',
    { end: (host) => (host === 'v.whatsapp.net' ? reset : null) },
    { ...whatsappOk, registration_server_status: 'blocked', registration_server_failure: 'connection_reset' },
  ),
  row(
    whatsappService,
    'the web client likewise',
    { end: (host) => (host === 'web.whatsapp.com' ? unresolved : null) },
    { ...whatsappOk, whatsapp_web_status: 'blocked', whatsapp_web_failure: 'dns_nxdomain_error' },
  ),
]

const telegramOk = {
  telegram_http_blocking: false,
  telegram_tcp_blocking: false,
  telegram_web_status: 'ok',
  telegram_web_failure: null,
}
const telegram = [
  row(telegramService, 'any status of a POST is an answer', { status: 501 }, telegramOk),
  row(
    telegramService,
    'one POST of the twelve is enough',
    {
      end: (host, port) => (isLiteral(host) && !(host === '95.161.76.100' && port === 443) ? silent : null),
    },
    telegramOk,
  ),
  row(
    telegramService,
    'no access point accepts',
    { end: (host) => (isLiteral(host) ? silent : null) },
    { ...telegramOk, telegram_http_blocking: true, telegram_tcp_blocking: true },
  ),
  row(
    telegramService,
    'a POST that fails behind the connect: TCP is not blocked',
    { end: (host) => (host === '149.154.175.50' ? cut : isLiteral(host) ? refused : null) },
    { ...telegramOk, telegram_http_blocking: true, telegram_tcp_blocking: false },
  ),
  row(
    telegramService,
    'the web client by any network error',
    { end: (host) => (isLiteral(host) ? null : reset) },
    { ...telegramOk, telegram_web_status: 'blocked', telegram_web_failure: 'connection_reset' },
  ),
  row(telegramService, 'the title of the web client is not looked at', { status: 403 }, telegramOk),
]

const stems = facebookMessengerService.groups.map(({ name }) => name)
const hostOfStem = (stem: string) =>
  facebookMessengerService.groups
    .filter(({ name }) => name === stem)
    .flatMap(({ endpoints }) => endpoints.map(hostOf))[0]
const facebookOk = {
  ...Object.fromEntries(
    stems.flatMap((stem) => [
      [`facebook_${stem}_dns_consistent`, true],
      [`facebook_${stem}_reachable`, stem === 'stun' ? null : true],
    ]),
  ),
  facebook_dns_blocking: false,
  facebook_tcp_blocking: false,
}
const edge = hostOfStem('edge')
const facebook = [
  row(facebookMessengerService, 'every name is consistent, every host reached', {}, facebookOk),
  row(
    facebookMessengerService,
    'a name that does not resolve is not consistent, and nothing is said of its host',
    { end: (host) => (host === edge ? unresolved : null) },
    {
      ...facebookOk,
      facebook_edge_dns_consistent: false,
      facebook_edge_reachable: null,
      facebook_dns_blocking: true,
    },
  ),
  row(
    facebookMessengerService,
    'one answer of another network makes the name inconsistent',
    { addresses: (host) => (host === edge ? ['31.13.64.10', '66.0.0.1'] : ['31.13.64.10']) },
    {
      ...facebookOk,
      facebook_edge_dns_consistent: false,
      facebook_edge_reachable: null,
      facebook_dns_blocking: true,
    },
  ),
  row(
    facebookMessengerService,
    'an address of an unknown network is one of another',
    { addresses: (host) => (host === edge ? ['10.0.0.1'] : ['31.13.64.10']) },
    {
      ...facebookOk,
      facebook_edge_dns_consistent: false,
      facebook_edge_reachable: null,
      facebook_dns_blocking: true,
    },
  ),
  row(
    facebookMessengerService,
    'a consistent name whose connect fails is not reachable',
    { end: (host) => (host === edge ? silent : null) },
    { ...facebookOk, facebook_edge_reachable: false, facebook_tcp_blocking: true },
  ),
  row(
    facebookMessengerService,
    'the STUN server is only looked up',
    { end: (host) => (host === hostOfStem('stun') ? unresolved : null) },
    {
      ...facebookOk,
      facebook_stun_dns_consistent: false,
      facebook_stun_reachable: null,
      facebook_dns_blocking: true,
    },
  ),
]

const signal = [
  row(
    signalService,
    'every backend answers, the status ignored',
    { status: 404 },
    { signal_backend_status: 'ok', signal_backend_failure: null },
  ),
  row(
    signalService,
    'one backend fails',
    { end: (host) => (host === 'cdsi.signal.org' ? reset : null) },
    { signal_backend_status: 'blocked', signal_backend_failure: 'connection_reset' },
  ),
  row(
    signalService,
    'the last failure is the one that is kept',
    { end: (host) => (host === 'cdsi.signal.org' ? reset : host === 'storage.signal.org' ? silent : null) },
    { signal_backend_status: 'blocked', signal_backend_failure: 'generic_timeout_error' },
  ),
  row(
    signalService,
    'the name for outages is not judged',
    { end: (host) => (host === 'uptime.signal.org' ? unresolved : null) },
    { signal_backend_status: 'ok', signal_backend_failure: null },
  ),
]

export const serviceRows = { whatsapp, telegram, facebook_messenger: facebook, signal }
