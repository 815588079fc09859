// OONI's comparison of the last page with the helper's, in its version 0.5.28: a row for each line of it.

import type { HttpRequest } from '../../tests-spec/data-formats/observation.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import { connect, handshake, join } from '../support/observations.ts'
import { answer, type OoniRow, shown } from './ooni-keys.ts'
import { failing, outside, resolved } from './outside-view.ts'

const theirs = (over: Partial<OutsideView['http_request']>) =>
  outside({ http_request: { ...outside().http_request, ...over } })
const own = { 'X-Request-Id': '1' }

const cut = (seen: ReturnType<typeof shown>): ReturnType<typeof shown> => ({
  ...seen,
  requests: seen.requests.map((each) => ({
    ...each,
    response: { ...each.response, body_is_truncated: true },
  })),
})
const secure = (code: number, method: HttpRequest['request']['method']) => {
  const { requests = [] } = answer(code, { url: 'https://site.example/', headers: own, title: '', length: 0 })
  const asked = requests.map((each) => ({ ...each, request: { ...each.request, method } }))
  return join(resolved, connect(null), handshake(null), { requests: asked })
}
const notCompared = {
  body_proportion: 0,
  body_length_match: null,
  status_code_match: null,
  headers_match: null,
  title_match: null,
}

export const rows: readonly OoniRow[] = [
  {
    line: 'lengths: the shorter over the longer, above 0.7',
    seen: shown({ length: 710 }),
    outside: theirs({ body_length: 1000 }),
    ooni: { body_proportion: 0.71, body_length_match: true },
  },
  {
    line: 'lengths: 0.7 is not enough',
    seen: shown({ length: 1000 }),
    outside: theirs({ body_length: 700 }),
    ooni: { body_proportion: 0.7, body_length_match: false },
  },
  {
    line: 'lengths: one of them 0',
    seen: shown({ length: 0 }),
    outside: theirs({ body_length: 1000 }),
    ooni: { body_proportion: 0, body_length_match: null },
  },
  {
    line: 'lengths: cut at the cap',
    seen: cut(shown({ length: 16_384 })),
    outside: theirs({ body_length: 20_000 }),
    ooni: { body_proportion: 0, body_length_match: null },
  },
  {
    line: 'status: equal, also of errors',
    seen: shown({}, 404),
    outside: theirs({ status_code: 404 }),
    ooni: { status_code_match: true },
  },
  {
    line: 'status: another, of a page of the helper',
    seen: shown({}, 404),
    outside: theirs({ status_code: 200 }),
    ooni: { status_code_match: false },
  },
  {
    line: 'status: another, where the helper was turned away',
    seen: shown({}, 200),
    outside: theirs({ status_code: 403 }),
    ooni: { status_code_match: null, blocking: 'http-diff' },
  },
  {
    line: 'status: another, where the helper was redirected',
    seen: shown({}, 200),
    outside: theirs({ status_code: 302 }),
    ooni: { status_code_match: null },
  },
  {
    line: 'headers: one uncommon name in common, in any case',
    seen: shown({ headers: { 'x-request-id': '2' } }),
    outside: theirs({}),
    ooni: { headers_match: true },
  },
  {
    line: 'headers: Content-Length counts as uncommon',
    seen: shown({ headers: { 'Content-Length': '2' } }),
    outside: theirs({ headers: { 'Content-Length': '1' } }),
    ooni: { headers_match: true },
  },
  {
    line: 'headers: the same names, all common, are no match',
    seen: shown({ headers: { Server: 'nginx' } }),
    outside: theirs({ headers: { Server: 'nginx' } }),
    ooni: { headers_match: false },
  },
  {
    line: 'title: every word of five bytes or more in both',
    seen: shown({ title: 'the GUARDIAN Project - now' }),
    outside: theirs({}),
    ooni: { title_match: true },
  },
  {
    line: 'title: a long word of one alone',
    seen: shown({ title: 'Guardian Project English' }),
    outside: theirs({}),
    ooni: { title_match: false },
  },
  {
    line: 'title: five bytes may be three letters',
    seen: shown({ title: 'été' }),
    outside: theirs({ title: '' }),
    ooni: { title_match: false },
  },
  {
    line: 'title: two empty ones are alike',
    seen: shown({ title: '' }),
    outside: theirs({ title: '' }),
    ooni: { title_match: true },
  },
  {
    line: 'title: without a long word everything is alike',
    seen: shown({ title: 'No' }),
    outside: theirs({ title: 'Home' }),
    ooni: { title_match: true },
  },
  {
    line: 'title: one in an element with attributes is none',
    seen: shown({ title: 'Guardian Project' }),
    outside: theirs({}),
    ooni: { title_match: false },
    ours: {
      keys: { title_match: true },
      reason: "Titles are read as browsers show them; OONI's engine takes what stands between the tags.",
    },
  },
  {
    line: 'a page matches by its status and one more: the title',
    seen: shown({ length: 10 }),
    outside: theirs({}),
    ooni: { blocking: false, accessible: true, body_length_match: false, headers_match: false },
  },
  {
    line: 'a page does not match by its status alone',
    seen: shown({ length: 10, title: 'Blocked notice' }),
    outside: theirs({}),
    ooni: { blocking: 'http-diff', status_code_match: true },
  },
  {
    line: 'nor by all but its status',
    seen: shown({ headers: own }, 403),
    outside: theirs({}),
    ooni: { blocking: 'http-diff', status_code_match: false, title_match: true, headers_match: true },
  },
  {
    line: 'only a final response is compared',
    seen: shown({ headers: own }, 302),
    outside: theirs({}),
    ooni: notCompared,
  },
  {
    line: 'nothing is compared with no page',
    seen: shown({ headers: own }),
    outside: outside({ http_request: failing }),
    ooni: notCompared,
  },
  { line: 'nor without control', seen: shown({ headers: own }), outside: null, ooni: notCompared },
  {
    line: 'over TLS as well',
    seen: secure(200, 'HEAD'),
    outside: theirs({}),
    ooni: {
      body_proportion: 1,
      body_length_match: true,
      status_code_match: true,
      headers_match: true,
      title_match: true,
    },
    ours: {
      keys: { ...notCompared, status_code_match: true, headers_match: true },
      reason:
        'OONI fetches the body behind TLS and follows every redirect; we do neither, for the sake of the data bundle.',
    },
  },
  {
    line: 'over TLS, of a page that was asked for',
    seen: secure(200, 'GET'),
    outside: theirs({ title: '', body_length: 0 }),
    ooni: { status_code_match: true, headers_match: true, title_match: true, body_length_match: null },
  },
]
