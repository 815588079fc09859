// A site that comes, slowly. No rule has a word for it yet: what must hold is that the measurement shows it, and that
// nobody is accused of anything else.

import { onOneAndBoth, type Scenario } from './scenario.ts'

const site = 'long.example'
/** Of a throttled site, whatever slowed it down. */
const verdict = 'ok'

export const throttlingScenarios: readonly Scenario[] = [
  {
    name: 'the address is throttled',
    input: `http://${site}/`,
    rules: [{ kind: 'throttle', by: 'address', site, kbit: 50 } as const],
    // 16 KiB of body at 6 kB a second.
    expect: { verdict, slow: { step: 'http_round_trip', atLeastSeconds: 1.5 } } as const,
  },
  {
    name: 'the server name is throttled',
    input: `https://${site}/`,
    rules: [{ kind: 'throttle', by: 'server_name', site, kbit: 20 } as const],
    // The first bytes pass, on credit; what comes after them pays for it, at 2.5 kB a second.
    expect: { verdict, slow: { step: 'http_round_trip', atLeastSeconds: 0.7 } } as const,
  },
].flatMap(onOneAndBoth)
