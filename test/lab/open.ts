// `npm run lab`: opens a lab and reads commands until the terminal closes. README.md is the how-to.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { makeKeys } from './keys.ts'
import { Lab, whyNoLab } from './lab.ts'
import { namespaces } from './network.ts'
import type { Rule } from './policy.ts'
import { type IspKey, resolverFile, translatedResolverFile } from './topology.ts'

const usage = `  ${namespaces.join(' ')}
                       a shell there; exit comes back here. In another terminal: shell NAMESPACE
  shell NAMESPACE      prints the command line of such a shell
  policy o|m [RULE,…]  rules of policy.ts as JSON; [] lifts all of them
  sonde o|m URL        one measurement by that provider's device
  help, quit
`

const why = whyNoLab()
if (why === null) await open()
else {
  process.stderr.write(`Cannot open the lab: ${why}\n`)
  process.exitCode = 1
}

async function open(): Promise<void> {
  const lab = await Lab.start(makeKeys())
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: 'lab> ' })
  process.stdout.write(`The lab is open.\n${usage}`)
  terminal.prompt()
  for await (const line of terminal) {
    if (line.trim() === 'quit') break
    terminal.pause()
    await obey(lab, line.trim()).catch((error) => process.stdout.write(`${error}\n`))
    terminal.resume()
    terminal.prompt()
  }
  terminal.close()
  await lab.stop()
}

async function obey(lab: Lab, line: string): Promise<void> {
  const [command = '', first = '', ...rest] = line.split(/\s+/)
  if (namespaces.some((each) => each === command)) {
    const [file = '', ...args] = shellIn(lab, command)
    spawnSync(file, args, { stdio: 'inherit' })
  } else if (command === 'shell') {
    process.stdout.write(`${shellIn(lab, first).map(quoted).join(' ')}\n`)
  } else if (command === 'policy') {
    await lab.policy(providerOf(first), JSON.parse(rest.join(' ') || '[]') as Rule[])
  } else if (command === 'sonde') {
    const { out, err } = await lab.sonde({ isp: providerOf(first), input: rest[0] ?? '' })
    for (const each of out.split('\n').filter(Boolean))
      process.stdout.write(`${JSON.stringify(JSON.parse(each).test_keys.x_sonde_verdict)}\n`)
    process.stdout.write(err)
  } else if (command !== '') process.stdout.write(usage)
}

function providerOf(text: string): IspKey {
  if (text === 'o' || text === 'm') return text
  throw new TypeError(`Cannot find provider "${text}": expected o or m`)
}

/**
 * The sandbox's first process is the child of the `unshare` that was started. Its process namespace is not entered: a
 * shell could not give the terminal back to a process outside.
 */
function shellIn(lab: Lab, namespace: string): string[] {
  const first = readFileSync(`/proc/${lab.pid}/task/${lab.pid}/children`, 'utf8').trim()
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']
  const resolvers =
    namespace === 'dev-6' ? translatedResolverFile : resolverFile(namespace === 'dev-m' ? 'm' : 'o')
  const resolver = namespace.startsWith('dev-')
    ? `mount --bind ${resolvers} "$(readlink -f /etc/resolv.conf)"; `
    : ''
  const shell = `${resolver}PS1="${namespace}# " exec bash --norc`
  return [
    ...['nsenter', '--target', first, ...asUser, '--mount', '--net', '--'],
    ...['nsenter', `--net=/run/netns/${namespace}`, '--', 'unshare', '--mount', 'sh', '-c', shell],
  ]
}

/** For a shell to read as one word. */
function quoted(word: string): string {
  return /^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
