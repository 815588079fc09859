// What a person reads who mistypes: command lines of both built programs, what they print, and in brackets how they end. Run
// in an empty home, where nothing may be left behind.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { modernNode } from '../build/modern-node.ts'
import { agentBundle, collectorBundle, runToEnd, temporaryFolder } from './support/processes.ts'

const home = temporaryFolder('home')
writeFileSync(join(home, 'config.json'), '{\n  "probe_cc": "ML",\n  "lab": true,\n}\n')
writeFileSync(
  join(home, 'endpoints.json'),
  '\uFEFF[\n  { "kind": "collector", url: "https://collector.example" }\n]\n',
)

const transcript = `
$ sonde
sonde: Say what to do: run, once, status, statut, doctor, setup, consent, pause, resume, logs, erase, enrol, export, import-receipts, carry, verify, help, completion. [bad_usage]
[64]
$ sonde statsu
sonde: There is no command "statsu". Did you mean status? [bad_usage]
[64]
$ sonde start
sonde: There is no command "start". Did you mean statut? [bad_usage]
[64]
$ sonde enroll https://collector.example sonde1-token
sonde: There is no command "enroll". Did you mean enrol? [bad_usage]
[64]
$ sonde status extra --recipient x
sonde: This cannot be done:
  status takes no --recipient: it belongs to export.
  status takes nothing after it: "extra". [bad_usage]
[64]
$ sonde status --sate ~/state
sonde: There is no option --sate. Did you mean --state? [bad_usage]
[64]
$ sonde --jsn once www.example.org
sonde: This cannot be done:
  There is no option --jsn. Did you mean --json?
  URL cannot be "www.example.org": expected a URL such as https://example.org/. [bad_usage]
[64]
$ sonde once --json=yes --state
sonde: This cannot be done:
  --json takes no value.
  --state wants DIR after it. [bad_usage]
[64]
$ sonde enrol
sonde: This cannot be done:
  URL is missing: sonde enrol URL TOKEN
  TOKEN is missing: sonde enrol URL TOKEN [bad_usage]
[64]
$ sonde enrol collector.example sonde1-token
sonde: This cannot be done:
  URL cannot be "collector.example": expected a URL such as https://collector.example.
  TOKEN cannot be used as it is: expected one that begins with "sonde1-" and has two more parts, all of it, as one word. [bad_usage]
[64]
$ sonde enrol https://collector.example/?a=b sonde1- --state ~/mistyped
sonde: This cannot be done:
  URL cannot be "https://collector.example/?a=b": expected one such as https://collector.example, without user, blanks, query or fragment.
  TOKEN cannot be used as it is: expected one that begins with "sonde1-" and has two more parts, all of it, as one word. [bad_usage]
[64]
$ sonde once --state ~/a --json --state=~/b --ooni
sonde: This cannot be done:
  --state is there 2 times, and takes one DIR.
  --json and --ooni say two things: give one of them. [bad_usage]
[64]
$ sonde export
sonde: DIR is missing: sonde export DIR [bad_usage]
[64]
$ sonde export /media/a /media/b
sonde: export takes no more after it: "/media/b". [bad_usage]
[64]
$ sonde export /media/stick --recipient age1short
sonde: --recipient cannot be "age1short": expected one that begins with "age1", all of it, as one word. [bad_usage]
[64]
$ sonde status --state ~/mistyped
sonde: There is no state folder ~/mistyped. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one. [no_state]
[66]
$ sonde status
sonde: There is no state folder ~/.local/state/sonde. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one. [no_state]
[66]
$ sonde export /media/stick
sonde: There is no state folder ~/.local/state/sonde. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one. [no_state]
[66]
$ sonde import-receipts /media/stick --state ~/config.json
sonde: ~/config.json is no folder. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one. [no_state]
[66]
$ sonde carry /media/stick
sonde: There is no state folder ~/.local/state/sonde. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one. [no_state]
[66]
$ sonde verify
sonde: FILE is missing: sonde verify FILE... [bad_usage]
[64]
$ sonde verify batch.psb
sonde: Say whose batches these are: --key with the probe's public key, or --enrolment with its enrolment record. [bad_usage]
[64]
$ sonde verify batch.psb --state ~/mistyped
sonde: There is no state folder ~/mistyped. Name the one that the agent uses with --state DIR; sonde run, once and enrol make a new one. [no_state]
[66]
$ sonde once --config ~/nowhere.json --state ~/new
sonde: Cannot read the configuration ~/nowhere.json: ENOENT: no such file or directory, open '~/nowhere.json' [bad_config]
[78]
$ sonde run --config ~/config.json --state ~/new
sonde: Cannot read the configuration:
  ~/config.json:4:1: one comma too many [bad_config]
[78]
$ sonde help statsu
sonde: COMMAND cannot be "statsu": expected run, once, status, statut, doctor, setup, installer, consent, accord, pause, resume, reprendre, logs, erase, effacer, enrol, export, import-receipts, carry, verify, help, completion. Did you mean status? [bad_usage]
[64]
$ sonde help status
sonde status: what the agent is doing, and what waits to be sent.

Looks, and writes nothing.

  --state DIR    where keys, results and logs are kept; $XDG_STATE_HOME/sonde or
                 ~/.local/state/sonde unless said (or SONDE_STATE)
  --json         print one JSON object
  -h, --help     say what the command does and takes
  -V, --version  say which version this is

Exit codes of its own: 3 no agent is running, 4 an agent is running, and more
than an hour late for a cycle, 66 the spool, or all of the state folder, cannot
be read: what waits is not known.
[0]
$ sonde completion powershell
sonde: SHELL cannot be "powershell": expected bash, zsh, fish. [bad_usage]
[64]
$ sonde-collector
sonde-collector: Say what to do: serve, token, import, recipient, lists-keys, probes, logs, revoke, suspect, purge, rebuild-index, retry, export, verify, help, completion. [bad_usage]
[64]
$ sonde-collector sevre
sonde-collector: There is no command "sevre". Did you mean serve? [bad_usage]
[64]
$ sonde-collector serve
sonde-collector: serve wants --state DIR, or SONDE_STATE in the environment. [bad_usage]
[64]
$ sonde-collector serve --state ~/new --port 80800 --log verbose
sonde-collector: This cannot be done:
  --port cannot be "80800": expected 0 to 65535.
  --log cannot be "verbose": expected debug, info, warn, error. [bad_usage]
[64]
$ sonde-collector serve --state ~/new --no-helper --helper-resolver 9.9.9.9
sonde-collector: --no-helper and --helper-resolver say two things: give one of them. [bad_usage]
[64]
$ sonde-collector serve --state ~/new --endpoints ~/endpoints.json
sonde-collector: Cannot use the endpoints in ~/endpoints.json:2:26: expected a name in double quotation marks. [bad_endpoints]
[78]
$ sonde-collector token --state
sonde-collector: --state wants DIR after it. [bad_usage]
[64]
$ sonde-collector revoke 1234 --state ~/mistyped
sonde-collector: DEVICE cannot be "1234": expected 32 hex digits. [bad_usage]
[64]
$ sonde-collector rebuild --state ~/mistyped
sonde-collector: There is no command "rebuild". Did you mean rebuild-index? [bad_usage]
[64]
$ sonde-collector rebuild-index --state ~/mistyped
sonde-collector: There is no collector's state in ~/mistyped. Name the folder that it serves with --state DIR. [no_state]
[66]
$ sonde-collector import /media/stick --state ~/mistyped
sonde-collector: There is no collector's state in ~/mistyped. Name the folder that it serves with --state DIR. [no_state]
[66]
$ sonde-collector export --state ~/mistyped --since 2026-02-30 --verdict bad
sonde-collector: This cannot be done:
  --since cannot be "2026-02-30": expected a date (2018-07-29) or a time with its zone (2018-07-29T21:00:00Z).
  --verdict cannot be "bad": expected ok, anomaly, link_down, undetermined. [bad_usage]
[64]
$ sonde-collector export --state ~/mistyped --since 2018-07-30 --until 2018-07-29 --measured-since 2019-01-01 --measured-until 2018-01-01
sonde-collector: This cannot be done:
  --since: expected a time that is not after the end.
  --measured-since: expected a time that is not after the end. [bad_usage]
[64]
$ sonde-collector verify batch.psb
sonde-collector: Say whose batches these are: --key KEY or --state DIR. [bad_usage]
[64]
`

/** Each line that begins with $, run again. */
async function played(lines: readonly string[]): Promise<string> {
  const said: string[] = []
  for (const line of lines.filter((each) => each.startsWith('$ '))) {
    const [, program, ...argv] = line.split(' ')
    const bundle = program === 'sonde' ? agentBundle : collectorBundle
    const env = { HOME: home, XDG_STATE_HOME: '', XDG_CONFIG_HOME: '' }
    const places = argv.map((each) => each.replace('~', home))
    const { code, out, err } = await runToEnd(modernNode(), [bundle, ...places], env)
    said.push(line, ...`${out}${err}`.replaceAll(home, '~').trimEnd().split('\n'), `[${code}]`)
  }
  return `\n${said.join('\n')}\n`
}

it('whoever mistypes is told what is wrong and what to do, and nothing is made', async () => {
  expect(await played(transcript.split('\n'))).toBe(transcript)
  expect(readdirSync(home).sort()).toEqual(['config.json', 'endpoints.json'])
})
