// The words that terminal, page and files share. Pure.

import type { Account, Column } from './account.ts'
import { summaryWords } from './account.ts'
import { type Detection, durationWords, intervalWords, isFlap, surelySeenMinutes } from './detection.ts'
import { timeOf, type UrlRow, type WhatsappRow } from './evening.ts'

export interface TableText {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function whatsappTable(rows: readonly WhatsappRow[]): TableText {
  return {
    head: ['Time', 'Registration', 'Endpoints', 'Web'],
    rows: rows.map(({ at, registration, endpoints, web }) => [at, registration, endpoints, web]),
  }
}

export function urlTable(rows: readonly UrlRow[]): TableText {
  return { head: ['URL', 'Time', 'Outcome'], rows: rows.map(({ url, at, outcome }) => [url, at, outcome]) }
}

/** Stands above that table. */
export const detectionsExplained =
  'How closely each schedule knows it, and between which two of its measurements it lies. The evening begins after the last look at which everything was fine, whatever it looked at, and not later than the first that met interference; a target by itself lies between two looks at it.'

/** What happened, and when each schedule can say it did. */
export function detectionTable({ detections, onsets, columns }: Account): TableText {
  return {
    head: ['What changed', ...columns.map(({ title }) => title)],
    rows: [
      ['The evening begins', ...columns.map(({ name }) => intervalWords(onsets[name] ?? null))],
      ...detections.map((each) => [turnWords(each), ...columns.map((column) => cell(each, column))]),
    ],
  }
}

function turnWords({ turn }: Detection): string {
  const what = turn.to === 'failing' ? 'fails' : 'back'
  const flap = isFlap(turn, surelySeenMinutes) ? ' (flap)' : ''
  return `${timeOf(turn.at)} ${shortName(turn.subject)} ${what}${flap}`
}

/** Of a URL its host, of a service its name as people write it. */
function shortName(subject: string): string {
  return URL.canParse(subject) ? new URL(subject).host : subject.replace(/^whatsapp /, 'WhatsApp ')
}

function cell({ seen }: Detection, { name }: Column): string {
  return intervalWords(seen[name] ?? null)
}

export function columnSentence({ title, summary }: Column): string {
  return `${title}: ${summaryWords(summary, durationWords)}`
}

/** The longest of an account's notes: how it came about, and what it stands for. */
export function method({ seconds, labs, measurements, devices, evening }: Account): string[] {
  return [
    `Played in ${Math.round(seconds)} s of real time, in ${labs} ${labs === 1 ? 'laboratory' : 'laboratories'}: namespaces with real sockets, routers and interference, the built agent and the built collector. All tables are made of the ${measurements} measurements that the collector exported, and of nothing else.`,
    labs === 1
      ? `${devices} devices, enrolled by token, measured the whole of it.`
      : `To be over sooner, the evening of ${evening.day} is cut into ${labs} parts that are played side by side, each with a collector and devices of its own (${devices} in all, enrolled by token). Every row was measured under the policy of its minute; who wants the same devices from end to end plays it in one laboratory.`,
    "Devices and collector have the evening's clock, moved from moment to moment and never quickened: a second is a second for every deadline. At each moment a device runs one cycle (sonde once); the moments of the 15-minute schedule are those of the agent's own schedule without its delay, which is steady in the field but for 20 s.",
    `Rounds and looks are those of the agent's own loop, run through the timetable beforehand to know what to play, and again over what was received: it would have asked for the same. Looks are played at the full minute before them. In which round a target is depends on the device's key: this one measures twitter.com two minutes after its block. With one key of three the first sign comes by 17:40, with all of them by 17:50.`,
    'What failed is measured once more: after 30 s where an address is silent, as in the field, since the verdict rests on that wait, and after 1 s otherwise.',
    `A change lies between the last measurement that saw the state before and the first that saw the state after, to the minute. A flap is a change back within ${surelySeenMinutes} min: measured every ${surelySeenMinutes} min it may be missed.`,
    ...evening.chosen,
  ]
}
