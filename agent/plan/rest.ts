// When a device rests for its host's sake: a phone whose battery is nearly empty, or too hot. Pure. What is not known never
// stops a measurement.

export interface Need {
  readonly battery_percent: number | null
  readonly battery_celsius: number | null
  /** `UNPLUGGED`, or what it is plugged into. */
  readonly plugged: string | null
}

export type Rest = 'battery' | 'heat'

/** By so much it must have recovered: a phone at a limit would else begin and stop with each look. */
const [recoveredPercent, recoveredCelsius] = [5, 3]

/**
 * @param leastPercent - Below it an unplugged phone rests; 0 never rests for it.
 * @param mostCelsius - Above it a phone rests.
 * @param before - Why it rested at the last look; null when it did not.
 */
export function restNow(
  { battery_percent: percent, battery_celsius: celsius, plugged }: Need,
  leastPercent: number,
  mostCelsius: number,
  before: Rest | null,
): Rest | null {
  if (celsius !== null && celsius > mostCelsius - (before === 'heat' ? recoveredCelsius : 0)) return 'heat'
  const least = leastPercent && leastPercent + (before === 'battery' ? recoveredPercent : 0)
  return percent !== null && plugged === 'UNPLUGGED' && percent < least ? 'battery' : null
}
