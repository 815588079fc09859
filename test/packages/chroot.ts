// A Debian in a folder, to install packages in: made once by debootstrap, and then given anew to each test as the lower half of an
// overlay. Programs for arm64 run in it by qemu. Needs root.

import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanEnvironment, type Ended } from '../support/processes.ts'

/** Debian 13, as Raspberry Pi OS 13 is. */
const suite = 'trixie'
const packages = ['nodejs', 'libc6:arm64', 'libstdc++6:arm64', 'libatomic1:arm64']

/** Where this machine's own packages come from. @returns null where that is no Debian. */
function mirror(): string | null {
  const format = ['--format', '$(ORIGIN) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages']
  const { stdout } = spawnSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' })
  return /^Debian main (\S+)$/m.exec(stdout ?? '')?.[1] ?? null
}

/** Why no Debian can be made here; null when it can. */
export function whyNoChroot(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make one'
  for (const program of ['debootstrap', 'qemu-aarch64-static', 'dpkg-deb'])
    if (spawnSync('which', [program]).status !== 0) return `${program} is not installed`
  return mirror() === null ? 'this machine has no packages of Debian' : null
}

export class Base {
  readonly folder: string
  readonly #made: Chroot[] = []
  #registered = false

  /** @param folder - Of one that was made before, by another process perhaps. */
  constructor(folder: string) {
    this.folder = folder
  }

  /** @throws When the mirror cannot be reached, with what debootstrap said. */
  static make(): Base {
    const base = new Base(mkdtempSync(join(tmpdir(), 'sonde-debian-')))
    const root = join(base.folder, 'base')
    try {
      run('debootstrap', ['--variant=minbase', suite, root, mirror() ?? ''])
      run('chroot', [root, 'dpkg', '--add-architecture', 'arm64'])
      run('chroot', [root, 'apt-get', 'update'])
      run('chroot', [root, 'apt-get', 'install', '-y', '--no-install-recommends', ...packages])
      base.#register()
    } catch (error) {
      base.remove()
      throw error
    }
    return base
  }

  /** A Debian as it was made. */
  fresh(): Chroot {
    const chroot = new Chroot(join(this.folder, 'base'), mkdtempSync(join(this.folder, 'run-')))
    this.#made.push(chroot)
    return chroot
  }

  /**
   * Tells the kernel which program runs those of arm64. The F keeps that program open, so that it need not be inside. Where the
   * machine has such a line already, the newer one is asked first.
   */
  #register(): void {
    if (!existsSync(join(binfmt, 'register'))) run('mount', ['-t', 'binfmt_misc', 'none', binfmt])
    const escaped = (hex: string) => hex.replace(/../g, (byte) => `\\x${byte}`)
    const qemu = execFileSync('which', ['qemu-aarch64-static'], { encoding: 'utf8' }).trim()
    writeFileSync(
      join(binfmt, 'register'),
      `:${ours}:M::${escaped(aarch64)}:${escaped(aarch64Mask)}:${qemu}:F`,
    )
    this.#registered = true
  }

  /** Unmounts what was given to tests. */
  close(): void {
    for (const each of this.#made.splice(0)) each.close()
  }

  remove(): void {
    this.close()
    if (this.#registered) writeFileSync(join(binfmt, ours), '-1')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const binfmt = '/proc/sys/fs/binfmt_misc'
const ours = 'sonde-test-aarch64'
/** ELF, 64 bits, little endian, EM_AARCH64; the mask lets executables and shared objects through. */
const aarch64 = '7f454c460201010000000000000000000200b700'
const aarch64Mask = 'ffffffffffffff00fffffffffffffffffeffffff'

export class Chroot {
  readonly root: string
  readonly #mounts: string[] = []

  constructor(lower: string, folder: string) {
    const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    for (const each of [upper, work, root]) mkdirSync(each)
    this.root = root
    this.#mount(
      ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`],
      root,
    )
    this.#mount(['-t', 'proc', 'proc'], join(root, 'proc'))
    this.#mount(['--bind', '/dev'], join(root, 'dev'))
  }

  #mount(what: readonly string[], place: string): void {
    run('mount', [...what, place])
    this.#mounts.unshift(place)
  }

  /** Brings a file in. @returns Its path inside. */
  bring(path: string, name: string): string {
    copyFileSync(path, join(this.root, 'tmp', name))
    return `/tmp/${name}`
  }

  /** Runs a program inside, as root. */
  run(program: string, args: readonly string[]): Promise<Ended> {
    const options = {
      env: inside,
      maxBuffer: 64 * 1024 * 1024,
    }
    return new Promise((resolve) => {
      const child = execFile('chroot', [this.root, program, ...args], options, (_, out, err) =>
        resolve({ code: child.exitCode, out, err }),
      )
    })
  }

  /** @throws When it ends with another code than 0. */
  async mustRun(program: string, ...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(program, args)
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${out}${err}`)
    return out
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path))
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8')
  }

  close(): void {
    for (const each of this.#mounts.splice(0)) spawnSync('umount', ['-l', each])
  }
}

/** Nothing of the machine outside, whose variables may name files. */
const inside = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C',
  DEBIAN_FRONTEND: 'noninteractive',
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...cleanEnvironment(), DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`)
}
