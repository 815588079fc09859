// Findings for the tests: what a schedule that measures correctly would find, made from the timetable and not
// measured.

import { accessible } from '../../collector/analysis/outcome-words.ts'
import { type Evening, interferenceAt, subjectsOf } from '../replay/evening.ts'
import type { Finding } from '../replay/received.ts'
import type { Visit } from '../replay/visits.ts'

/** @returns One finding for each subject of each visit, 3 seconds into its cycle, correct in every field. */
export function rightFindings(evening: Evening, visits: readonly Visit[]): Finding[] {
  return visits.flatMap(({ schedule, device, isp, at, entries }) =>
    subjectsOf(entries).map((subject): Finding => {
      const found = interferenceAt(evening, isp, subject, at)
      return {
        schedule,
        device,
        isp,
        subject,
        at: at + 3_000,
        cycleAt: at,
        outcome: found?.outcome ?? accessible,
        reached: found === null,
        repeated: false,
      }
    }),
  )
}
