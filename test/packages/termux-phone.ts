// A phone with Termux, as far as a Linux machine can imitate one: Termux's folders, programs in no other place, no /etc, a Node.js that
// says that it runs on Android and refuses what Android refuses, and Termux's own programs as scripts. Trap emulated: no phone was
// at hand.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Ended } from '../support/processes.ts'

/** What Termux has without a package being asked for. */
const programs = [
  ...[
    'sh',
    'cat',
    'chmod',
    'cp',
    'cut',
    'grep',
    'gzip',
    'head',
    'install',
    'kill',
    'mkdir',
    'mv',
    'rm',
    'sed',
  ],
  ...['sha256sum', 'sort', 'tail', 'tar', 'timeout', 'tr', 'sleep', 'sync'],
]

/** Android 13: apps may not ask for interfaces, and there is no /proc/stat to count processors by. */
const preload = `import os from 'node:os'
import { syncBuiltinESMExports } from 'node:module'
os.networkInterfaces = () => { throw Object.assign(new Error('Unknown system error 13'), { code: 'ERR_SYSTEM_ERROR', errno: 13 }) }
os.cpus = () => []
syncBuiltinESMExports()
Object.defineProperty(process, 'platform', { value: 'android' })
`

/** Whether namespaces can be made here. */
export const canImitate = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0

export class Phone {
  readonly home: string
  readonly prefix: string
  /** What programs of Termux were called with, a line each. */
  readonly #calls: string

  constructor(folder: string) {
    const files = join(folder, 'data/data/com.termux/files')
    this.home = join(files, 'home')
    this.prefix = join(files, 'usr')
    this.#calls = join(folder, 'calls')
    for (const each of [this.home, join(this.prefix, 'bin'), join(this.prefix, 'tmp')])
      mkdirSync(each, { recursive: true })
    for (const name of programs) symlinkSync(which(name), join(this.prefix, 'bin', name))
    writeFileSync(join(folder, 'preload.mjs'), preload)
    writeFileSync(this.#calls, '')
    const node = `exec '${process.execPath}' --import '${join(folder, 'preload.mjs')}' "$@"`
    // Node.js comes by a package, as on a new phone.
    this.program(
      'pkg',
      `cat >"$PREFIX/bin/node" <<'END'\n#!/bin/sh\n${node}\nEND\nchmod 755 "$PREFIX/bin/node"`,
    )
    for (const name of ['termux-wake-lock', 'termux-job-scheduler']) this.program(name, ':')
  }

  /** A program of Termux, which notes that it was called and then does `does`. */
  program(name: string, does: string): void {
    const path = join(this.prefix, 'bin', name)
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>'${this.#calls}'\n${does}\n`)
    chmodSync(path, 0o755)
  }

  /** Calls since the last question. */
  calls(): string[] {
    const text = readFileSync(this.#calls, 'utf8')
    writeFileSync(this.#calls, '')
    return text.split('\n').filter(Boolean)
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(join(this.home, path)), { recursive: true })
    writeFileSync(join(this.home, path), content)
  }

  read(path: string): string | null {
    const whole = join(this.home, path)
    return existsSync(whole) ? readFileSync(whole, 'utf8') : null
  }

  /** Runs a script to its end. */
  run(script: string, ...args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const child = execFile('unshare', this.#argv(script, args), this.#options(), (_, out, err) =>
        resolve({ code: child.exitCode, out, err }),
      )
    })
  }

  start(script: string, ...args: readonly string[]): ChildProcess {
    return spawn('unshare', this.#argv(script, args), {
      ...this.#options(),
      stdio: 'ignore',
    })
  }

  /** `exec` all the way, so that a signal reaches the script itself. */
  #argv(script: string, args: readonly string[]): string[] {
    const noEtc = 'mount -t tmpfs none /etc && exec "$PREFIX/bin/sh" "$@"'
    return [
      '--user',
      '--map-root-user',
      '--mount',
      '/bin/sh',
      '-c',
      `PATH=$OUTSIDE; ${noEtc.replace('exec', 'PATH="$PREFIX/bin"; exec')}`,
      'sh',
      script,
      ...args,
    ]
  }

  #options() {
    const { home, prefix } = this
    const env = {
      HOME: home,
      PREFIX: prefix,
      TMPDIR: join(prefix, 'tmp'),
      OUTSIDE: '/usr/sbin:/usr/bin:/sbin:/bin',
    }
    return { cwd: home, env: { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }
  }
}

function which(name: string): string {
  const { stdout } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' })
  // A builtin of the shell has no path.
  return stdout.startsWith('/') ? stdout.trim() : `/bin/${name}`
}
