// Scenarios that the agent gets wrong today. The row says what would be right; this list says what comes instead, and
// the suite prints it each time, loudly, instead of failing. Whoever closes a gap takes its line out.

export interface KnownGap {
  /** The names of the scenarios. */
  readonly scenarios: readonly string[]
  /** What is concluded instead: verdict and rule. */
  readonly instead: string
  readonly because: string
  /** Where chance decides, a scenario that comes out right has not closed the gap. */
  readonly byChance?: true
}

export const knownGaps: readonly KnownGap[] = [
  {
    scenarios: [
      ...[5, 20, 40].flatMap((percent) => [
        `${percent} % of packets are lost each way, http`,
        `${percent} % of packets are lost each way, https`,
      ]),
      'whatsapp: 20 % of packets are lost each way',
    ],
    instead: 'anomaly, resolvers_disagree',
    because: 'Loss beyond what a second question makes good: the more is lost, the likelier.',
    byChance: true,
  },
  {
    scenarios: [
      "the helper is down, and the site's certificate is for another name",
      "the helper is down, and the site's certificate is of no known authority",
    ],
    instead: 'anomaly, tls_handshake_interfered',
    because: 'Without a helper, what a broken site sends is taken for what somebody on the path sent.',
  },
  {
    scenarios: ['the helper is down, and the site resets every request'],
    instead: 'anomaly, http_round_trip_interfered',
    because: 'The same, in clear text.',
  },
  {
    scenarios: ['the site asks this country for a captcha, from a server with a name of its own'],
    instead: 'anomaly, foreign_page',
    because:
      "Some CDNs put the single server's name into `Server`; the same company is then not recognised as the sender.",
  },
]
