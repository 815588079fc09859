// Telegram as a service, and OONI's keys for it: ts-020 in version 0.3.1. telegram.md is the page; the rules are those
// of service-reachability.ts.

import * as v from 'valibot'
import { failure, type Observations } from '../data-formats/observation.ts'
import { tagged } from './failed-step.ts'
import { groupTag } from './group-outcome.ts'
import type { Service } from './service.ts'
import { judgeService, outcomesOf, type ServiceConclusion } from './service-reachability.ts'
import { type Circumstances, partsOf } from './verdict.ts'

export const telegramName = 'telegram'
export const telegramVersion = '0.3.1'

/** The data centres, which the applications know by address, so that no resolver stands between. */
const accessPoints = [
  '149.154.175.50',
  '149.154.167.51',
  '149.154.175.100',
  '149.154.167.91',
  '149.154.171.5',
  '95.161.76.100',
]

export const telegramService: Service = {
  name: 'telegram',
  groups: [
    {
      name: 'access_points',
      needs: 'any',
      // In clear text on 443 too, as OONI asks: the applications' protocol runs over plain HTTP on either port.
      endpoints: accessPoints.flatMap((ip) => [
        { kind: 'url', url: `http://${ip}/`, method: 'POST' },
        { kind: 'url', url: `http://${ip}:443/`, method: 'POST' },
      ]),
    },
    {
      name: 'web',
      needs: 'any',
      endpoints: [{ kind: 'url', url: 'https://web.telegram.org/', method: 'HEAD' }],
    },
  ],
}

const telegramFindings = v.object({
  /** False once any POST is answered, whatever the status. */
  telegram_http_blocking: v.boolean(),
  /** False once any access point accepts a connection. */
  telegram_tcp_blocking: v.boolean(),
  telegram_web_status: v.picklist(['ok', 'blocked']),
  telegram_web_failure: failure,
})
export type TelegramKeys = Readonly<v.InferOutput<typeof telegramFindings>>

export const telegramTestKeys = v.object({
  ...telegramFindings.entries,
  x_sonde_parts: partsOf('access_points', 'web'),
})

/** @param service - Described with the same two groups, in a laboratory with other endpoints. */
export function telegramKeys(
  seen: Observations,
  lab: boolean,
  service: Service = telegramService,
): TelegramKeys {
  const outcomes = new Map(outcomesOf(seen, service, lab).map(([{ name }, outcome]) => [name, outcome]))
  const connects = tagged(seen, groupTag('access_points')).tcp_connect
  const web = outcomes.get('web')
  return {
    telegram_http_blocking: outcomes.get('access_points')?.status !== 'reached',
    telegram_tcp_blocking: !connects.some((connect) => connect.status.success),
    telegram_web_status: web?.status === 'reached' ? 'ok' : 'blocked',
    telegram_web_failure: web?.failures[0]?.failure ?? null,
  }
}

/** The parts are `access_points` and `web`. */
export function judgeTelegram(
  seen: Observations,
  circumstances: Circumstances,
  service: Service = telegramService,
): ServiceConclusion {
  return judgeService(seen, service, circumstances, telegramName)
}
