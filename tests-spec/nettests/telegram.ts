// Telegram as a service, and OONI's keys for it: ts-020 in version 0.3.1. telegram.md is the page; the rules are those
// of service-reachability.ts.

import * as v from 'valibot'
import { failure } from '../data-formats/observation.ts'
import { tagged } from './failed-step.ts'
import { groupTag } from './group-outcome.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import type { Service } from './service.ts'
import { serviceObservations } from './service-outside.ts'
import { judgeGroups, ooniStatus, outcomesOf, statusIf } from './service-reachability.ts'
import { partsOf } from './verdict.ts'

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

export const telegram = defineNettest({
  name: 'telegram',
  version: '0.3.1',
  about: "Telegram's access points and web client",
  input: noInput,
  options: null,
  observations: serviceObservations,
  findings: {
    /** False once any POST is answered, whatever the status. */
    telegram_http_blocking: v.boolean(),
    /** False once any access point accepts a connection. */
    telegram_tcp_blocking: v.boolean(),
    telegram_web_status: ooniStatus,
    telegram_web_failure: failure,
  },
  parts: partsOf('access_points', 'web'),
  rules: [],
  judge({ seen, own, circumstances, service = telegramService }) {
    const outcomes = outcomesOf(seen, service, circumstances.lab, own.x_sonde_service_control)
    const named = new Map(outcomes.map(([{ name }, outcome]) => [name, outcome]))
    const connects = tagged(seen, groupTag('access_points')).tcp_connect
    const web = named.get('web')
    return {
      keys: {
        telegram_http_blocking: named.get('access_points')?.status !== 'reached',
        telegram_tcp_blocking: !connects.some((connect) => connect.status.success),
        telegram_web_status: statusIf(web?.status === 'reached'),
        telegram_web_failure: web?.failures[0]?.failure ?? null,
      },
      ...judgeGroups('telegram', outcomes, circumstances),
    }
  },
})
