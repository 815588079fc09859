// The rules of the house, as tests: who may import whom, what may be touched where. Each rule has its reason beside
// it. A rule that stands in the way is changed here, in the open, with a better reason.

import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { filesEndingIn, root, type SourceFile } from './support/source-tree.ts'

interface ImportRule {
  /** A folder or a file. The longest that fits a file is its rule. */
  readonly of: string
  /** Folders and files it may import besides its own. */
  readonly may: readonly string[]
  readonly because: string
}

/** The rows from the first to the last of these are what the page calls stages. */
const stagesFromTo = ['agent/operations', 'agent/health'] as const

/**
 * Reads "Who may import whom". In its second column stand places in code marks, `nothing`, `stages`, or all of a place;
 * the contract may be imported everywhere.
 */
function importRulesOf(page: string): ImportRule[] {
  const rows = [...page.matchAll(/^\| `([^`]+)` +\| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, of = '', may = '', because = '']) => ({ of, may: may.trim(), because: because.trim() }),
  )
  const [from, to] = stagesFromTo.map((name) => rows.findIndex(({ of }) => of === name))
  const stages = rows.slice(from, (to ?? 0) + 1).map(({ of }) => of)
  return rows.map(({ of, may, because }) => ({
    of,
    may: [
      ...(of === 'tests-spec' ? [] : ['tests-spec']),
      ...[...may.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
      ...(/\bstages\b/.test(may) ? stages : []),
    ],
    because,
  }))
}

/** Which folder may import which, and nothing else. Values flow down; a stage never imports its neighbour. */
const imports = importRulesOf(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))

/** Modules from outside, and the only places that may import them. Node's own are free unless they stand here. */
const outside: Readonly<Record<string, { readonly in: readonly string[]; readonly because: string }>> = {
  undici: {
    in: ['agent/operations', 'agent/submit/transports/connection.ts'],
    because: 'behind one file of each stage that speaks HTTP, so that it could go; 160 kB of the bundle',
  },
  'dns-packet': { in: ['agent/operations'], because: 'behind one stage, so that it could go' },
  pino: {
    in: ['collector'],
    because: 'the agent writes its lines itself (ADR 0022)',
  },
  'node-cron': {
    in: ['agent/config.ts', 'agent/plan', 'agent/cycle/loop.ts'],
    because: 'its parser only (ADR 0007)',
  },
  valibot: {
    in: ['tests-spec', 'agent', 'collector'],
    because: 'what comes from outside is parsed once',
  },
  'age-encryption': {
    in: ['collector/intake/sealed-intake.ts', 'coordinator/keys/sealed-key.ts'],
    because: 'it opens what probes seal, who seal without it (ADR 0014), and keeps the keys of coordinators',
  },
  fastify: { in: ['collector'], because: 'the agent serves nothing' },
  'csv-parse/sync': { in: ['coordinator/lists'], because: 'behind one file, so that it could go' },
  'csv-stringify/sync': {
    in: ['collector/export', 'coordinator/commands/import-command.ts'],
    because: 'behind one file, so that it could go',
  },
  'hyparquet-writer': { in: ['collector/export'], because: 'behind one file, so that it could go' },
  'mmdb-lib': { in: ['collector/export'], because: 'behind one file, so that it could go' },
  child_process: { in: [], because: 'Android kills children first, and a device needs none' },
  worker_threads: {
    in: ['collector/archive/decoder.ts', 'collector/archive/decode-worker.ts'],
    because:
      'a thread costs a small device megabytes; the collector unpacks what strangers packed beside its event loop',
  },
  cluster: { in: [], because: 'one process' },
}

/**
 * In tests-spec even Node's modules are counted: whoever ports it to another runtime must replace these. `node:zlib`
 * for its brotli alone: what a batch proves cannot be said without opening its payload.
 */
const nodeModulesOfSpec = new Set(['node:crypto', 'node:zlib'])

interface Ban {
  readonly what: string
  readonly pattern: RegExp
  readonly in: readonly string[]
  readonly except: Readonly<Record<string, string>>
  readonly because: string
}

const bans: readonly Ban[] = [
  {
    what: 'process.env',
    pattern: /\bprocess\.env\b/,
    in: ['agent', 'collector', 'coordinator', 'tests-spec'],
    except: {
      'agent/main.ts': 'where everything starts; hands it on as a value',
      'collector/main.ts': 'where everything starts; hands it on as a value',
      'coordinator/main.ts': 'where everything starts; hands it on as a value',
    },
    because: 'a setting that is read deep inside can be neither seen nor tested',
  },
  {
    what: 'a clock of its own',
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\(|\bhrtime\b/,
    in: ['agent', 'tests-spec'],
    except: {
      'agent/platform': 'makes the clock that is passed as an argument',
      'agent/operations/deadline.ts':
        "how long a real socket may take is the event loop's time, which no test moves",
      'agent/operations/tls-handshake.ts': 'only as the default of an argument',
    },
    because: 'time is an argument, so that tests move it by hand and a wrong wall clock is noticed',
  },
  {
    what: 'chance of its own',
    pattern: /\bMath\.random\(/,
    in: ['agent', 'tests-spec'],
    except: {},
    because: 'the same inputs must plan the same tasks',
  },
  {
    what: 'a write to the disk',
    pattern:
      /\b(writeFile|appendFile|createWriteStream|open|rename|unlink|rm|rmdir|truncate|ftruncate|copyFile|cp|link|symlink|mkdir|mkdtemp|utimes|chmod)(Sync)?\b(?=[^;]*?\bfrom\s*["']node:fs)|\bimport\s*(\*\s*as\s+)?\w+\s+from\s*["']node:fs/,
    in: ['agent'],
    except: {
      'agent/platform/atomic-file.ts': 'writes, fsyncs, renames, fsyncs the folder, in this order',
      'agent/spool': 'its own segment log, whose order of writes is proven by power cuts',
      'agent/platform/state-folder.ts': 'makes the folders',
      'agent/platform/regular-file.ts': 'opens files for those that write them, and nothing that is no file',
      'agent/platform/lock.ts':
        'must create exclusively, which a rename cannot; what is in it is read as a hint only',
      'agent/platform/erase-files.ts':
        'writes chance over what shall not be read again: half of it is no worse',
      'agent/platform/named-file.ts': 'opens for reading alone, without waiting for a pipe',
      'agent/platform/identity.ts': 'takes rights away from a file, writes none',
      'agent/platform/log-lines.ts': 'opens for reading alone, and goes on where it stopped',
      'agent/platform/log-ring.ts':
        'a log line lost to a power cut is a price we pay; a flush for each is not',
    },
    because: 'a file half written by a power cut must be impossible, not unlikely',
  },
  {
    what: "the resolver of Node's own c-ares",
    pattern: /\bdns\.(promises\.)?resolve\w*\(|\bnew (dns\.)?Resolver\(|\bresolve(4|6|Any|Cname|Txt|Ns)\b/,
    in: ['agent'],
    except: {},
    because: 'under Termux it asks 8.8.8.8 and calls that the system resolver',
  },
  {
    what: 'getPeerX509Certificate()',
    pattern: /\bgetPeerX509Certificate\b/,
    in: ['agent', 'collector', 'tests-spec'],
    except: { 'agent/operations/sent-chain.ts': 'asks once for each chain, and says why' },
    because: 'each call keeps the rest of the chain in memory for good (docs/node-leak.md)',
  },
]

const within = (path: string, place: string) => path === place || path.startsWith(`${place}/`)
const isTest = (path: string) => path.endsWith('.test.ts')
/** Tests and tools may import anything and touch anything: they run on no one's device. */
const isFree = (path: string) =>
  isTest(path) || within(path, 'build') || within(path, 'test') || !path.includes('/')

/** Every module a file names, types included: a type that is imported ties two folders just as well. */
function importsOf(text: string): string[] {
  const statements = /^(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm
  const expressions = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return [...text.matchAll(statements), ...text.matchAll(expressions)].map((m) => m[1] ?? m[2] ?? '')
}

function importFaults({ path, text }: SourceFile): string[] {
  if (isFree(path)) return []
  const rule = imports.filter((each) => within(path, each.of)).sort((a, b) => b.of.length - a.of.length)[0]
  if (rule === undefined) return [`${path} belongs to no folder of the import table`]
  return importsOf(text).flatMap((specifier) => {
    if (!specifier.startsWith('.')) return outsideFaults(path, specifier)
    const target = posix.join(posix.dirname(path), specifier)
    const allowed = [rule.of, ...rule.may].some((place) => within(target, place))
    if (isTest(target)) return [`${path} imports the test ${target}`]
    return allowed ? [] : [`${path} imports ${target}: ${rule.of} may not, because ${rule.because}`]
  })
}

function outsideFaults(path: string, specifier: string): string[] {
  if (within(path, 'tests-spec') && specifier.startsWith('node:') && !nodeModulesOfSpec.has(specifier)) {
    return [
      `${path} imports ${specifier}: tests-spec may use valibot, node:crypto and node:zlib, to be easy to port`,
    ]
  }
  const name = specifier.replace(/^node:/, '')
  const rule = Object.hasOwn(outside, name) ? outside[name] : undefined
  if (rule === undefined) {
    return specifier.startsWith('node:') ? [] : [`${path} imports ${specifier}, which stands in no table`]
  }
  return rule.in.some((place) => within(path, place))
    ? []
    : [`${path} imports ${specifier}: not here, because ${rule.because}`]
}

function banFaults({ path, text }: SourceFile): string[] {
  if (isFree(path)) return []
  const code = withoutComments(text)
  return bans
    .filter((ban) => ban.in.some((place) => within(path, place)))
    .filter((ban) => !Object.keys(ban.except).some((place) => within(path, place)))
    .filter((ban) => ban.pattern.test(code))
    .map((ban) => `${path} has ${ban.what}: ${ban.because}`)
}

function withoutComments(text: string): string {
  const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true } }
  return transformSync(text, { loader: 'ts', legalComments: 'none', tsconfigRaw }).code
}

function formFaults({ path, text }: SourceFile): string[] {
  const faults: string[] = []
  const lines = text.split('\n').length - 1
  if (lines > 500) faults.push(`${path} has ${lines} lines: past 500 it is two stories`)
  const opening = text.replace(/^#!.*\n/, '')
  // A test beside its file says by its name what it is for.
  const besideItsFile = isTest(path) && tree.some((each) => each.path === path.replace('.test.ts', '.ts'))
  if (!besideItsFile && !/^(\/\/ |\/\*\*?\s)\S/.test(opening))
    faults.push(`${path} does not begin by saying what it is for`)
  return faults
}

function testFaults({ path, text }: SourceFile): string[] {
  const left = /(?<!["'`.\w])(?:describe|it|test|suite|bench)(?:\.\w+)*\.(?:only|skip)\b/.exec(
    withoutComments(text),
  )
  if (!isTest(path)) return []
  const faults = left ? [`${path} has ${left[0]}: a test that does not run is a promise nobody keeps`] : []
  const isOther = /^import \{[^}]*\btest\b[^}]*\} from 'vitest'/m.test(text)
  return isOther ? [...faults, `${path} imports test: it is the word here`] : faults
}

/** What a row speaks of and is not there: a rule for nothing is a rule that nobody reads. */
function placesThatAreGone(rules: readonly ImportRule[]): string[] {
  return rules.flatMap(({ of, may }) => [of, ...may]).filter((place) => !existsSync(join(root, place)))
}

/** Files that lead back to themselves by what they import, each with where the circle goes through. */
function circlesIn(files: readonly SourceFile[]): string[] {
  const imported = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text).map((each) => posix.join(posix.dirname(path), each)),
    ]),
  )
  const leadsTo = (from: string, seen: Set<string>): Set<string> => {
    for (const next of imported.get(from) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      leadsTo(next, seen)
    }
    return seen
  }
  return files.map(({ path }) => path).filter((path) => leadsTo(path, new Set()).has(path))
}

/** What must have a row: `tests-spec` as a whole, the folders of the programs, and files that stand beside those. */
function roomOf(path: string): string {
  const [program = '', room = ''] = path.split('/')
  const whole =
    program === 'tests-spec' || (/^(collector|coordinator)$/.test(program) && room.endsWith('.ts'))
  return whole ? program : `${program}/${room}`
}

/** Files at the root configure tools and are read by them. */
const tree = filesEndingIn('.ts').filter(({ path }) => path.includes('/'))

describe('the source', () => {
  it('imports only along the table', () => {
    expect(tree.flatMap(importFaults)).toEqual([])
  })

  it('has no circle: no file imports one that leads back to it', () => {
    expect(circlesIn(tree.filter(({ path }) => !isFree(path)))).toEqual([])
  })

  it('has every place of the table, and the table every place', () => {
    expect(imports.length).toBeGreaterThan(20)
    expect(placesThatAreGone(imports)).toEqual([])
    expect(imports.filter(({ because }) => because === '').map(({ of }) => of)).toEqual([])
    const folders = tree.filter((file) => !isFree(file.path)).map(({ path }) => roomOf(path))
    const unlisted = [...new Set(folders)].filter((folder) => !imports.some(({ of }) => of === folder))
    expect(unlisted).toEqual([])
  })

  it('leaves clock, chance, environment and disk to the places that own them', () => {
    expect(tree.flatMap(banFaults)).toEqual([])
  })

  it('has files that say what they are for and end before they are two stories', () => {
    expect(tree.flatMap(formFaults)).toEqual([])
  })

  it('runs every test it has', () => {
    expect(tree.flatMap(testFaults)).toEqual([])
  })

  it('keeps no exception for a place that is gone', () => {
    const places = [
      ...bans.flatMap((ban) => Object.keys(ban.except)),
      ...Object.values(outside).flatMap((rule) => rule.in),
    ]
    expect(places.filter((place) => !tree.some(({ path }) => within(path, place)))).toEqual([])
  })
})

/** One made-up file per rule: a checker that cannot fail protects nothing. */
describe('the checker', () => {
  const violations = [
    [
      'a stage that imports its neighbour',
      'agent/spool/x.ts',
      "import { submit } from '../submit/submit.ts'",
      importFaults,
    ],
    ['the agent importing the collector', 'agent/main.ts', "import '../collector/main.ts'", importFaults],
    [
      'a type from where values may not come',
      'agent/plan/x.ts',
      "import type { A } from '../spool/spool.ts'",
      importFaults,
    ],
    [
      'an import over several lines',
      'agent/plan/x.ts',
      "import {\n  a,\n  b,\n} from '../spool/spool.ts'",
      importFaults,
    ],
    ['a re-export', 'tests-spec/x.ts', "export * from '../agent/cycle/cycle.ts'", importFaults],
    [
      'a dynamic import',
      'tests-spec/x.ts',
      "const a = await import('../agent/cycle/cycle.ts')",
      importFaults,
    ],
    ['a disk in the contract', 'tests-spec/x.ts', "import { readFileSync } from 'node:fs'", importFaults],
    ['a package nobody agreed to', 'agent/operations/x.ts', "import _ from 'lodash'", importFaults],
    ['a package outside its stage', 'agent/cycle/cycle.ts', "import { Client } from 'undici'", importFaults],
    ['a child process', 'agent/main.ts', "import { fork } from 'node:child_process'", importFaults],
    ['a test imported by a program', 'agent/main.ts', "import './cycle.test.ts'", importFaults],
    ['a folder the design does not know', 'agent2/x.ts', 'export const a = 1', importFaults],
    ['the environment read deep inside', 'agent/spool/x.ts', "const a = process.env['HOME']", banFaults],
    ['the wall clock', 'agent/plan/x.ts', 'const a = Date.now()', banFaults],
    ['the wall clock, spelled otherwise', 'agent/plan/x.ts', 'const a = new Date()', banFaults],
    ['chance', 'agent/submit/x.ts', 'const a = Math.random()', banFaults],
    [
      'a file written in place',
      'agent/health/x.ts',
      "import { writeFile } from 'node:fs/promises'\nwriteFile('a', 'b')",
      banFaults,
    ],
    ['all of fs at once', 'agent/health/x.ts', "import fs from 'node:fs'\nfs.rmSync('a')", banFaults],
    [
      "c-ares' resolver",
      'agent/operations/x.ts',
      "import dns from 'node:dns'\ndns.resolve4('a.test', b)",
      banFaults,
    ],
    ['the call that leaks', 'collector/http/x.ts', 'socket.getPeerX509Certificate()', banFaults],
    ['a file that says nothing of itself', 'agent/x.ts', "import { a } from './b.ts'\n", formFaults],
    ['a file without end', 'agent/x.ts', `// Purpose.\n${'\n'.repeat(501)}`, formFaults],
    ['a test left alone', 'agent/x.test.ts', "it.only('a', () => {})", testFaults],
    ['the other word for a test', 'agent/x.test.ts', "import { test } from 'vitest'", testFaults],
    ['a test left out', 'agent/x.test.ts', "describe.concurrent.skip('a', () => {})", testFaults],
  ] as const

  it('sees a row for a place that is gone, and one that may import such a place', () => {
    const page = '| `agent/gone` | `tests-spec` `agent/gone-too` | why |\n| `agent/plan` | nothing | why |\n'
    expect(placesThatAreGone(importRulesOf(page))).toEqual(['agent/gone', 'agent/gone-too'])
  })

  it('sees a circle through three files, and none in a line', () => {
    const file = (name: string, imports: string) => ({
      path: `agent/x/${name}.ts`,
      text: `import './${imports}.ts'`,
    })
    expect(circlesIn([file('a', 'b'), file('b', 'c'), file('c', 'a'), file('d', 'a')])).toEqual([
      'agent/x/a.ts',
      'agent/x/b.ts',
      'agent/x/c.ts',
    ])
    expect(circlesIn([file('a', 'b'), file('b', 'c')])).toEqual([])
  })

  it.each(violations)('sees %s', (_, path, text, check) => {
    expect(check({ path, text })).toHaveLength(1)
  })

  const allowed = [
    [
      'a comment that speaks of the clock',
      'agent/plan/x.ts',
      '// Never Date.now(): time is an argument.',
      banFaults,
    ],
    ['a file that is read', 'agent/health/x.ts', "import { readFileSync } from 'node:fs'", banFaults],
    ['a date made from a number', 'agent/plan/x.ts', 'const a = (ms: number) => new Date(ms)', banFaults],
    ['the spool writing', 'agent/spool/x.ts', "import { open } from 'node:fs/promises'", banFaults],
    [
      'a stage importing the contract',
      'agent/spool/x.ts',
      "import type { B } from '../../tests-spec/protocol/batch.ts'",
      importFaults,
    ],
    ['a test importing anything', 'agent/spool/x.test.ts', "import '../../collector/main.ts'", importFaults],
  ] as const

  it.each(allowed)('lets %s pass', (_, path, text, check) => {
    expect(check({ path, text })).toEqual([])
  })
})
