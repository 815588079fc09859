// A replay's account as one page: no script, nothing from elsewhere, readable on a telephone. It looks as the
// collector's own page does. Pure.

import { Html, html } from '../../collector/dashboard/html.ts'
import { style } from '../../collector/dashboard/style.ts'
import type { Account, Chapter } from './account.ts'
import { collapsed } from './tables.ts'
import {
  columnSentence,
  detectionsExplained,
  detectionTable,
  method,
  type TableText,
  urlTable,
  whatsappTable,
} from './words.ts'

/** What is good, what is bad, and what is only not there. */
const colours: readonly (readonly [RegExp, string])[] = [
  [/^(OK|Accessible)$/, 'ok'],
  [/^(missed|–)$/, 'none'],
  [/\(undetermined\)$|^Undetermined$/, 'undetermined'],
  [/^(Link down|Captive portal)$/, 'link_down'],
  [/error$|failure$|^Connection |^Host |^Network |^Anomaly$|^Page /, 'anomaly'],
]

const ownStyle = `
h3{margin:1.4rem 0 .3rem;font-size:1rem}
main p,li{max-width:46rem}
.yes::marker,.yes b{color:var(--ok)}.no::marker,.no b{color:var(--anomaly)}
table{margin:.4rem 0 1rem}
tbody th{white-space:normal}
b,time,.count{white-space:normal}
td b{font-weight:600}
@media(max-width:44rem){
h2{font-size:1.05rem}
.small{display:table}
.small thead{display:table-header-group;position:static;clip-path:none;width:auto;height:auto}
.small tbody{display:table-row-group}
.small tr{display:table-row}
.small th,.small td{display:table-cell;padding:.3rem .3rem;font-size:.75rem}
.small tbody th{min-width:4.7rem}
.small thead th:first-child{width:auto}
.small td i{display:none}
.results:not(.small) tr{margin-bottom:.5rem}
.results:not(.small) td{display:flex;justify-content:space-between;gap:1rem;padding:.2rem .6rem}
}
`

export function accountPage(account: Account): string {
  const { evening, chapters, columns, requirements } = account
  const good = requirements.every(({ faults }) => faults.length === 0)
  const { text } = html`<!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width,initial-scale=1">
    <title>${evening.title}: the replay</title>
    <style>${Html.trusted(style + ownStyle)}</style>
    <header>
      <h1>${evening.title}</h1>
      <p>The evening as ${evening.publishedBy} published it, played again in a laboratory and measured by Sonde.</p>
    </header>
    <main>
    <h2 id="required">${good ? 'What was required, and holds' : 'What was required, and DOES NOT HOLD'}</h2>
    <ul>${requirements.map(
      ({ sentence, faults }) =>
        html`<li class="${faults.length === 0 ? 'yes' : 'no'}"><b>${faults.length === 0 ? '✓ yes' : '▲ no'}</b> ${sentence}
        ${faults.length === 0 ? [] : html`<ul>${faults.map((fault) => html`<li>${fault}`)}</ul>`}`,
    )}</ul>
    <h2 id="changes">When each change was known, on AS30985</h2>
    <p>${detectionsExplained}</p>
    ${tableOf(detectionTable(account), 'results')}
    <ul>${columns.map((column) => html`<li>${columnSentence(column)}`)}</ul>
    ${chapters.map(chapterOf)}
    <h2 id="method">How this was made</h2>
    ${method(account).map((sentence) => html`<p>${sentence}`)}
    </main>
    <footer><p>All times are UTC, which is Mali's. The rows one by one are in the CSV files beside this page, the measurements in measurements.ndjson.</footer>
    </html>`
  return text.replace(/\s*\n\s*/g, '\n')
}

function chapterOf({ title, whatsapp, urls }: Chapter): Html {
  return html`<h2>${title}</h2>
    <h3>WhatsApp</h3>${tableOf(whatsappTable(collapsed(whatsapp)), 'results small')}
    <h3>Sites</h3>${tableOf(urlTable(collapsed(urls)), 'results small')}`
}

/** @param kind - `small` stays a table on a telephone; others become lists there, as on the collector's page. */
function tableOf({ head, rows }: TableText, kind: 'results' | 'results small'): Html {
  return html`<div class="wide"><table class="${kind}">
    <thead><tr>${head.map((name) => html`<th scope="col">${name}`)}
    <tbody>${rows.map(
      ([first = '', ...cells]) =>
        html`<tr><th scope="row">${first}${cells.map((cell, index) => html`<td><i>${head[index + 1] ?? ''}</i>${coloured(cell)}`)}`,
    )}
    </table></div>`
}

function coloured(cell: string): Html {
  const found = colours.find(([pattern]) => pattern.test(cell))
  return found === undefined ? html`${cell}` : html`<b class="${found[1]}">${cell}</b>`
}
