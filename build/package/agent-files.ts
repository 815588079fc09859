// What the packages for Debian hold: the agent, its service, its pages. With a runtime it is for arm64 and needs no other Node.js,
// without one for any machine whose system has Node.js 20.18.1 or newer.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bundle.ts'
import { type DebianPackage, maintainer } from './debian-package.ts'
import { FileTree } from './file-tree.ts'
import type { Runtime } from './runtime.ts'

const from = join(root, 'deploy', 'raspberry-pi')
const ours = (...path: string[]) => readFileSync(join(from, ...path), 'utf8')

export interface Edition {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly dateMs: number
}

/** @param runtime - null for the package that uses the system's Node.js. */
export function agentPackage({ version, dateMs }: Edition, runtime: Runtime | null): DebianPackage {
  return {
    name: 'sonde',
    version,
    architecture: runtime === null ? 'all' : 'arm64',
    // What the official builds of Node.js ask of a system, by `readelf -V`.
    depends:
      runtime === null
        ? ['nodejs (>= 20.18.1)']
        : ['libc6 (>= 2.28)', 'libstdc++6 (>= 5)', 'libgcc-s1', 'libatomic1'],
    files: filesOf({ version, dateMs }, runtime),
    scripts: scriptsOf(version),
    conffiles: ['/etc/sonde/config.json'],
  }
}

function filesOf({ version, dateMs }: Edition, runtime: Runtime | null): FileTree {
  const files = new FileTree()
  const program = join(root, 'dist', 'sonde.mjs')
  files.copy('usr/lib/sonde/sonde.mjs', program, 0o755)
  if (runtime !== null) files.copy('usr/lib/sonde/node', runtime.program, 0o755)
  files.add('usr/bin/sonde', wrapper(runtime), 0o755)
  for (const name of readdirSync(join(from, 'lib'))) {
    files.add(`usr/lib/sonde/${name}`, ours('lib', name), 0o755)
  }
  for (const name of readdirSync(join(from, 'system'))) {
    files.add(`usr/lib/systemd/system/${name}`, ours('system', name))
  }
  files.add('etc/sonde/config.json', ours('config.json'))
  files.add('usr/lib/sysusers.d/sonde.conf', ours('sysusers.conf'))
  files.add('usr/lib/tmpfiles.d/sonde.conf', ours('tmpfiles.conf'))
  files.add('usr/lib/sysctl.d/60-sonde-mtu-probing.conf', ours('sysctl.conf'))
  files.add('usr/lib/NetworkManager/dispatcher.d/50-sonde-source-routing', ours('source-routing'), 0o755)
  addPages(files, { version, dateMs }, runtime)
  addCompletions(files, program)
  return files
}

function wrapper(runtime: Runtime | null): string {
  const text = ours('sonde')
  return runtime === null ? text : text.replace('\nnode=/usr/bin/node\n', '\nnode=/usr/lib/sonde/node\n')
}

function addPages(files: FileTree, { version, dateMs }: Edition, runtime: Runtime | null): void {
  files.addGzipped('usr/share/man/man1/sonde.1', readFileSync(join(root, 'dist', 'man', 'sonde.1'), 'utf8'))
  files.addGzipped('usr/share/doc/sonde/changelog', changelog(version, dateMs))
  files.add('usr/share/doc/sonde/copyright', copyright(runtime))
  files.add('usr/share/doc/sonde/README.md', ours('README.md'))
  files.add(
    'usr/share/lintian/overrides/sonde',
    ours('debian', runtime === null ? 'overrides.all' : 'overrides.arm64'),
  )
}

function addCompletions(files: FileTree, program: string): void {
  const places = {
    bash: 'usr/share/bash-completion/completions/sonde',
    zsh: 'usr/share/zsh/vendor-completions/_sonde',
    fish: 'usr/share/fish/vendor_completions.d/sonde.fish',
  }
  for (const [shell, path] of Object.entries(places)) {
    files.add(path, execFileSync(process.execPath, [program, 'completion', shell]))
  }
}

/** Debian's form; what changed stands in the project's own. */
function changelog(version: string, dateMs: number): string {
  const date = new Date(dateMs).toUTCString().replace('GMT', '+0000')
  return `sonde (${version}) stable; urgency=medium

  * What changed stands in CHANGELOG.md of the project.

 -- ${maintainer}  ${date}
`
}

/** Our licence, and in full those of what is inside. */
function copyright(runtime: Runtime | null): string {
  const inside = readFileSync(join(root, 'dist', 'sonde.mjs.LEGAL.txt'), 'utf8')
  return `Sonde. Copyright the authors of Sonde.

Licensed under the Apache License, Version 2.0, which on Debian systems is in
/usr/share/common-licenses/Apache-2.0.

Inside /usr/lib/sonde/sonde.mjs are these packages, under their own terms:

${inside}${
  runtime === null
    ? ''
    : `
/usr/lib/sonde/node is Node.js ${runtime.version} as its project built it, under these terms:

${runtime.licence}`
}`
}

function scriptsOf(version: string): Record<string, string> {
  const names = ['preinst', 'postinst', 'prerm', 'postrm']
  return Object.fromEntries(
    names.map((name) => [name, ours('debian', name).replaceAll('@VERSION@', version)]),
  )
}
