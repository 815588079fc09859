// The nettest `web_connectivity`: tests-spec/nettests/web-connectivity.md.

import {
  judgeWebConnectivity,
  webConnectivityKeys,
  webConnectivityName,
  webConnectivityVersion,
} from '../../tests-spec/nettests/web-connectivity.ts'
import { noHelper } from './ask-helper.ts'
import type { Nettest } from './nettest.ts'
import { followUrl } from './url-flow.ts'

export const webConnectivity: Nettest = {
  name: webConnectivityName,
  version: webConnectivityVersion,
  async measure(context, input) {
    if (input === null) throw new TypeError('Cannot measure web_connectivity without an input')
    return followUrl(context, input, [], { helper: true, followUps: true })
  },
  conclude(observations, circumstances, control = noHelper) {
    return {
      keys: { ...webConnectivityKeys(observations, control, circumstances.lab) },
      verdict: judgeWebConnectivity(
        observations,
        typeof control === 'string' ? null : control,
        circumstances,
      ),
      parts: null,
    }
  },
}
