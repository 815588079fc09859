// The evening of 29 July 2018, the first round of the presidential election, as OONI and Internet Sans Frontières
// published it two days later ("Mali: Social media disruptions amid 2018 presidential election?", ooni.org). Mali's
// time is UTC. What the report says stands here as it says it; what it does not say is in `chosen`.

import { accessible } from '../../collector/analysis/outcome-words.ts'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import type { Evening } from './evening.ts'

const whatsapp: TestListEntry = { nettest: 'whatsapp', input: null, category_code: 'COMT' }
const page = (input: string, category_code: string): TestListEntry => ({
  nettest: 'web_connectivity',
  input,
  category_code,
})
const twitter = page('https://twitter.com/', 'GRP')
const guardian = page('http://guardianproject.info/', 'ANON')
const anonymizer = page('http://www.anonymizer.ru/', 'ANON')

const reset = 'Connection reset'
const timeout = 'Generic timeout error'
const http = 'HTTP failure'
/** Chosen: the last failure of the report is of 19:26, and the sites were fine again on the days after. */
const lifted = '19:52'

export const mali2018: Evening = {
  name: 'mali-2018',
  title: 'Mali, 29 July 2018',
  day: '2018-07-29',
  publishedBy: 'OONI and Internet Sans Frontières, 31 July 2018',
  entries: [whatsapp, twitter, guardian, anonymizer],
  // AS21271 is in none of these: what was measured there from 12:55 to 20:53 was accessible.
  interference: [
    {
      isp: 'o',
      subject: 'https://twitter.com/',
      from: '17:38',
      until: lifted,
      outcome: 'SSL error',
      rules: [{ kind: 'box', site: 'twitter.com', box: 'wrong_authority' }],
    },
    {
      isp: 'o',
      subject: 'whatsapp web',
      from: '17:43',
      until: '19:08',
      outcome: reset,
      rules: [{ kind: 'server_name', name: 'web.whatsapp.com', action: 'reset' }],
    },
    {
      isp: 'o',
      subject: 'whatsapp web',
      from: '19:08',
      until: '19:26',
      outcome: timeout,
      rules: [{ kind: 'server_name', name: 'web.whatsapp.com', action: 'drop' }],
    },
    {
      isp: 'o',
      subject: 'whatsapp registration',
      from: '19:08',
      until: '19:18',
      outcome: timeout,
      rules: [{ kind: 'address', site: 'v.whatsapp.net', action: 'drop' }],
    },
    {
      isp: 'o',
      subject: 'whatsapp registration',
      from: '19:26',
      until: lifted,
      outcome: timeout,
      rules: [{ kind: 'address', site: 'v.whatsapp.net', action: 'drop' }],
    },
    {
      isp: 'o',
      subject: 'http://guardianproject.info/',
      from: '19:14',
      until: lifted,
      outcome: http,
      rules: [{ kind: 'host_header', name: 'guardianproject.info', action: 'reset' }],
    },
    {
      isp: 'o',
      subject: 'http://www.anonymizer.ru/',
      from: '19:14',
      until: lifted,
      outcome: http,
      rules: [{ kind: 'host_header', name: 'www.anonymizer.ru', action: 'reset' }],
    },
  ],
  visits: [
    { isp: 'o', at: '01:00', entries: [whatsapp] },
    { isp: 'o', at: '01:16', entries: [anonymizer] },
    { isp: 'o', at: '01:19', entries: [twitter] },
    { isp: 'o', at: '01:22', entries: [guardian] },
    { isp: 'm', at: '12:55', entries: [whatsapp, twitter] },
    { isp: 'o', at: '17:38', entries: [twitter] },
    { isp: 'o', at: '17:43', entries: [whatsapp] },
    { isp: 'o', at: '19:08', entries: [whatsapp] },
    { isp: 'o', at: '19:14', entries: [guardian, anonymizer] },
    { isp: 'o', at: '19:18', entries: [whatsapp] },
    { isp: 'o', at: '19:26', entries: [whatsapp] },
    { isp: 'm', at: '20:53', entries: [whatsapp, twitter] },
  ],
  onDuty: { from: '17:15', until: '20:15' },
  published: {
    whatsapp: [
      { at: '17:43', registration: 'OK', endpoints: 'OK', web: reset },
      { at: '19:08', registration: timeout, endpoints: 'OK', web: timeout },
      { at: '19:18', registration: 'OK', endpoints: 'OK', web: timeout },
      { at: '19:26', registration: timeout, endpoints: 'OK', web: 'OK' },
    ],
    urls: [
      { url: 'https://twitter.com/', at: '01:19', outcome: accessible },
      { url: 'https://twitter.com/', at: '17:38', outcome: 'SSL error' },
      { url: 'http://guardianproject.info/', at: '01:22', outcome: accessible },
      { url: 'http://guardianproject.info/', at: '19:14', outcome: http },
      { url: 'http://www.anonymizer.ru/', at: '01:16', outcome: accessible },
      { url: 'http://www.anonymizer.ru/', at: '19:14', outcome: http },
    ],
  },
  chosen: [
    'The report gives the minutes at which something was seen. Here each interference begins in that very minute; in truth it began at some time before.',
    `When it ended the report does not say, but for WhatsApp's web client. Here everything ends at ${lifted}.`,
    "By what means the report does not say. Here: a box with another authority's certificate for twitter.com; a reset, then silence, on the name web.whatsapp.com in the ClientHello; silence from the address of the registration service; a reset on the Host header of the two circumvention sites.",
    'The report measured guardianproject.info over https; an HTTP failure that a censor can choose by name needs clear text, so here it is measured over http.',
    'The daily run of that night began at 01:00; that WhatsApp was measured in it is assumed.',
  ],
}
