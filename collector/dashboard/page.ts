// The page itself: one template, no script, nothing loaded from elsewhere. End tags that HTML allows to omit in
// tables are omitted: with 50 targets they are a seventh of the bytes on a slow link.

import { createHash } from 'node:crypto'
import { verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import {
  isDateDoubtful,
  type Network,
  type Result,
  type ShownVerdict,
  shownDate,
  type Target,
} from '../analysis/board.ts'
import type { DashboardContent, ProbeLine } from './content.ts'
import { Html, html } from './html.ts'
import { style } from './style.ts'
import { languages, signs, type Words, words } from './words.ts'

/** Forbids everything to load, run or frame this page; its one style sheet is allowed by digest. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Characters of the longest text from a probe that is shown whole. */
const maxShownChars = 120
/** Batches that were set aside and are named; the log names all. */
const maxNamed = 8

export function page({ board, probes, behind, setAside, language, now }: DashboardContent): string {
  const w = words[language]
  const others = languages.filter((each) => each !== language)
  const { text } = html`<!doctype html>
    <html lang="${language}">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width,initial-scale=1">
    <title>Sonde</title>
    <style>${Html.trusted(style)}</style>
    <header>
      <h1>Sonde</h1>
      <p>${w.about}</p>
      <nav>${others.map((other) => html`<a href="?lang=${other}" lang="${other}" hreflang="${other}">${words[other].language}</a>`)}</nav>
    </header>
    <main>
    <h2 id="legend">${w.legend}</h2>
    <dl>${verdictKinds.map((kind) => html`<dt><b class="${kind}">${signs[kind]} ${w.verdicts[kind]}</b><dd>${w.meanings[kind]}`)}</dl>
    <h2 id="results">${w.results}</h2>
    ${board === null ? html`<p class="note">${w.noIndex}</p>` : []}
    ${behind > 0 ? html`<p class="note">${w.behind(behind)}</p>` : []}
    ${setAside.length > 0 ? html`<p class="note">${w.setAside(setAside.length)} ${setAside.slice(0, maxNamed).map((id) => html`<code>${id}</code> `)}</p>` : []}
    ${board?.targets.length === 0 ? html`<p>${w.noResults}</p>` : []}
    ${
      board !== null && board.targets.length > 0
        ? html`<div class="wide"><table class="results">
          <caption>${w.resultsCaption}</caption>
          <thead><tr><th scope="col">${w.target}${board.networks.map((network) => networkHead(network, w))}
          <tbody>${board.targets.map((target) => targetRows(target, board.networks, w))}
          </table></div>`
        : []
    }
    ${board !== null && board.hidden > 0 ? html`<p>${w.hidden(board.hidden)} <a href="?lang=${language}&amp;all">${w.all}</a></p>` : []}
    ${board !== null && board.hiddenNetworks > 0 ? html`<p>${w.hiddenNetworks(board.hiddenNetworks)}</p>` : []}
    <h2 id="probes">${w.probes}</h2>
    ${
      probes.length === 0
        ? html`<p>${w.noProbes}</p>`
        : html`<div class="wide"><table class="probes">
          <caption>${w.probesCaption}</caption>
          <thead><tr>${[w.probe, w.lastContact, w.backlog, w.epoch, w.batches, w.missing, w.lost, w.clock, w.version].map((name) => html`<th scope="col">${name}`)}
          <tbody>${probes.map((probe) => probeRow(probe, now, w))}
          </table></div>`
    }
    </main>
    <footer><p>${w.times} ${time(now)}. <a href="/api/v1/measurements">${w.data}</a></footer>
    </html>`
  // Indentation is only for people who read the source. No text of a probe has a line break left in it.
  return text.replace(/\s*\n\s*/g, '\n')
}

function networkHead(network: Network, w: Words): Html {
  const counts = verdictKinds
    .filter((kind) => network.counts[kind] > 0)
    .map(
      (kind) =>
        html` <span class="count">· ${signs[kind]} ${network.counts[kind]} ${w.verdicts[kind]}</span>`,
    )
  return html`<th scope="col">${networkName(network, w)} <small>${network.asn}${counts}</small>`
}

function networkName({ asn, name }: Network, w: Words): string {
  return asn === 'AS0' || name === '' ? w.unknownNetwork : clip(name)
}

function targetRows(target: Target, networks: readonly Network[], w: Words): Html {
  const { testName, input, results, parts } = target
  const name = input === null ? clip(testName) : html`${clip(input)}<small>${testName}</small>`
  const cells = networks.map((network, i) => resultCell(results[i] ?? null, network, w))
  return html`<tr><th scope="row">${name}${cells}${parts.map((part) => partRow(part, target, networks, w))}\n`
}

function resultCell(result: Result | null, network: Network, w: Words): Html {
  const label = html`<i>${networkName(network, w)}</i>`
  if (result === null) return html`<td>${label}<span class="none">${w.notMeasured}</span>`
  const doubt = isDateDoubtful(result) ? ` (${w.doubtful})` : ''
  return html`<td>${label}${verdictWords(result.found, w)}
    <small>${w.measured} ${date(result, w)}${doubt}${result.isSuspect ? html` <b>${w.suspect}</b>` : []}<br>${w.received} ${receivedTime(result)}, ${w.probe.toLowerCase()} ${shortId(result.device)}</small>`
}

function date(result: Result, w: Words): Html {
  const { at, withinMs, byProbe } = shownDate(result)
  const within = withinMs === null ? '' : ` ± ${span(withinMs, w)}`
  return html`${time(at)}${within}${byProbe === null ? [] : html` (${w.byProbe} ${time(byProbe)})`}`
}

/** One service of a nettest that looks at several, in a row of its own below. */
function partRow(part: string, { results }: Target, networks: readonly Network[], w: Words): Html {
  const cells = networks.map((network, i) => {
    const parts = results[i]?.parts ?? {}
    const found = Object.hasOwn(parts, part) ? parts[part] : undefined
    const content =
      found === undefined ? html`<span class="none">${w.notMeasured}</span>` : verdictWords(found, w)
    return html`<td><i>${networkName(network, w)}</i>${content}`
  })
  return html`<tr class="part"><th scope="row">${named(w.parts, part)}${cells}\n`
}

function verdictWords({ verdict, step, how }: ShownVerdict, w: Words): Html {
  const word = html`<b class="${verdict}">${signs[verdict]} ${w.verdicts[verdict]}</b>`
  const where = step === null ? [] : html` ${named(w.steps, step)}`
  const found = how === null ? [] : html` <code>${clip(how)}</code>`
  return html`${word}${where}${found}`
}

function probeRow({ device, enrolledAt, seen }: ProbeLine, now: number, w: Words): Html {
  const name = html`<tr><th scope="row"><code>${shortId(device)}</code>`
  const cell = (label: string, content: Html | string | number) => html`<td><i>${label}</i>${content}`
  if (seen === null)
    return html`${name}${cell(w.lastContact, html`${w.never}<small>${w.enrolled} ${time(enrolledAt)}</small>`)}<td colspan="7">`
  const { clockSource, clockUncertaintyMs: ms, faulty, batches } = seen
  const clock = named(w.clockSources, clockSource) + (ms === null ? '' : `, ± ${span(ms, w)}`)
  const doubts = [
    ...(faulty === 0 ? [] : [html`<small>${w.faulty(faulty)}</small>`]),
    ...(seen.contradicted === 0 ? [] : [html`<small>${w.contradicted(seen.contradicted)}</small>`]),
  ]
  const readable = html`${batches}${doubts}`
  return html`${name}
    ${cell(w.lastContact, html`${ago(now - seen.lastReceivedAt, w)}<small>${time(seen.lastReceivedAt)}</small>`)}
    ${cell(w.backlog, backlog(seen, w))}${cell(w.epoch, html`<code>${seen.epoch.slice(0, 6)}</code> / ${seen.seq}`)}
    ${cell(w.batches, readable)}${cell(w.missing, seen.missing)}${cell(w.lost, seen.lost)}
    ${cell(w.clock, clock)}${cell(w.version, clip(seen.agentVersion))}\n`
}

/** Records and batches that waited on the probe at its last contact. */
function backlog(
  { backlogRecords, backlogBatches }: NonNullable<ProbeLine['seen']>,
  w: Words,
): Html | string {
  if (backlogRecords === null || backlogBatches === null) return '–'
  if (backlogRecords + backlogBatches === 0) return w.noBacklog
  return html`${backlogRecords} ${w.backlogRecords}<small>${backlogBatches} ${w.backlogBatches}</small>`
}

/** A form that people can read and that `<time>` allows unchanged. */
function time(at: number): Html {
  return html`<time>${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z</time>`
}

/** Hour and minute are enough for a result that arrived on the day when it was measured. */
function receivedTime(result: Result): Html {
  const { receivedAt } = result
  const day = (at: number) => new Date(at).toISOString().slice(0, 10)
  if (day(shownDate(result).at) !== day(receivedAt)) return time(receivedAt)
  return html`${new Date(receivedAt).toISOString().slice(11, 16)}Z`
}

function ago(elapsedMs: number, w: Words): string {
  const minutes = Math.floor(elapsedMs / 60_000)
  if (minutes < 1) return w.justNow
  if (minutes < 120) return w.ago(minutes, 'min')
  return minutes < 48 * 60 ? w.ago(Math.floor(minutes / 60), 'h') : w.ago(Math.floor(minutes / 1440), 'd')
}

/** Rounded up: an error is never shown smaller than it is. */
function span(ms: number, w: Words): string {
  if (ms < 10_000) return `${ms} ms`
  if (ms < 120_000) return `${Math.ceil(ms / 1000)} s`
  if (ms < 120 * 60_000) return `${Math.ceil(ms / 60_000)} min`
  return ms < 48 * 3_600_000 ? `${Math.ceil(ms / 3_600_000)} h` : `${Math.ceil(ms / 86_400_000)} ${w.days}`
}

/** Enough digits to tell the probes of one country apart. */
function shortId(device: string): string {
  return device.slice(0, 8)
}

/** Our own word for it if there is one, otherwise the probe's. `hasOwn`, because a probe may send "constructor". */
function named(known: Readonly<Record<string, string>>, word: string): string {
  return Object.hasOwn(known, word) ? (known[word] ?? word) : clip(word)
}

function clip(text: string): string {
  return text.length <= maxShownChars ? text : `${text.slice(0, maxShownChars - 1)}…`
}
