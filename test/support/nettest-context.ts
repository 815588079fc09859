// What a nettest may use, for tests over loopback: a laboratory without helpers, where only the system is asked.

import type { NettestContext } from '../../agent/nettests/nettest.ts'
import { transactionIds } from '../../agent/nettests/transaction-ids.ts'
import type { Trace } from '../../agent/operations/trace.ts'
import { makeTrace } from './loopback.ts'

export function makeContext(parts: Partial<NettestContext> = {}, trace: Partial<Trace> = {}): NettestContext {
  return {
    trace: makeTrace(trace),
    transactionIds: transactionIds(),
    resolver: null,
    helpers: [],
    noteHelper: () => {},
    neutralName: 'neutral.example',
    foreignName: null,
    filteredNames: [],
    transferControl: null,
    isLineSlow: () => false,
    mayAskElsewhere: () => true,
    ipv4: true,
    ipv6: false,
    ownNetworks: [],
    lab: true,
    wallClock: Date.now,
    ...parts,
  }
}
