// One verdict in the words that published reports use: "Accessible", "SSL error", "HTTP failure", "Connection reset".
// They are coarser than the failure's name on purpose: readers compare them with OONI's older reports. Pure.

import { isFailure } from '../../tests-spec/data-formats/failure.ts'
import type { ShownVerdict } from './board.ts'

/** The word for a target that was reached. */
export const accessible = 'Accessible'

/**
 * @returns A few words in English. A verdict that is undetermined has "(undetermined)" after what was seen, so that
 * it is never read as a finding.
 */
export function outcomeWords(found: ShownVerdict): string {
  switch (found.verdict) {
    case 'ok':
      return accessible
    case 'link_down':
      return found.how === 'captive_portal' ? 'Captive portal' : 'Link down'
    case 'anomaly':
      return seen(found) ?? 'Anomaly'
    case 'undetermined': {
      const words = seen(found)
      return words === null ? 'Undetermined' : `${words} (undetermined)`
    }
    default:
      return found.verdict satisfies never
  }
}

/** @returns Whether the target was reached; null when that is not known: the link was down, or nothing decided. */
export function wasReached({ verdict }: ShownVerdict): boolean | null {
  if (verdict === 'ok') return true
  return verdict === 'anomaly' ? false : null
}

/** @returns null when no step decided, or when the verdict does not say how the step ended. */
function seen({ step, how }: ShownVerdict): string | null {
  if (how === null) return null
  // It is no failure when a page arrived that differs.
  if (!isFailure(how)) return sentence(how)
  if (step === 'resolve') return 'DNS failure'
  if (step === 'http_round_trip') return 'HTTP failure'
  if (step === 'tls_handshake' && how.startsWith('ssl_')) return 'SSL error'
  if (how === 'eof_error') return 'Connection closed'
  return sentence(how.startsWith('unknown_failure: ') ? 'unknown_failure' : how)
}

/** Writes `connection_reset` as "Connection reset". */
function sentence(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
