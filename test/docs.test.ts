// The documents, held to what they say: links lead somewhere, commands exist, pages named in the code are there, and
// nothing in them only makes sense on the machine they were written on.

import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesEndingIn, root, type SourceFile } from './support/source-tree.ts'

const pages = filesEndingIn('.md')
const sources = filesEndingIn('.ts')
/** This file makes pages up. */
const others = sources.filter(({ path }) => path !== 'test/docs.test.ts')

interface Link {
  readonly from: string
  /** Path from the root of the repository; begins with `..` when it leads out of it. */
  readonly to: string
  /** The heading, as written after `#`; empty without one. */
  readonly heading: string
}

/** Links inside the repository, in prose: what stands in code blocks is an example. */
function linksOf({ path, text }: SourceFile): Link[] {
  const inline = /\]\(\s*<?([^)\s>]*)>?(?:\s+"[^"]*")?\s*\)/g
  const reference = /^\s*\[[^\]]+\]:\s+<?([^\s>]+)>?/gm
  const prose = withoutCode(text)
  return [...prose.matchAll(inline), ...prose.matchAll(reference)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
    .map((target) => {
      const [file = '', heading = ''] = target.split('#')
      const to = file === '' ? path : posix.join(posix.dirname(path), decodeURI(file))
      return { from: path, to: to.replace(/\/$/, ''), heading }
    })
}

function withoutCode(text: string): string {
  return text.replace(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '').replace(/`[^`\n]*`/g, '')
}

/** As the usual renderers name them: lower case, punctuation gone, blanks to hyphens. */
function headingsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((each) =>
      each
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function linkFaults(page: SourceFile): string[] {
  return linksOf(page).flatMap(({ from, to, heading }) => {
    if (to.startsWith('..')) return [`${from} links out of the repository: ${to}`]
    if (!existsSync(join(root, to))) return [`${from} links to ${to}, which is not there`]
    if (heading === '' || !to.endsWith('.md')) return []
    const target = readFileSync(join(root, to), 'utf8')
    return headingsOf(target).has(heading)
      ? []
      : [`${from} links to ${to}#${heading}, a heading that is not there`]
  })
}

/** `tests-spec/…/x.md` by its path, `x.md is the page` beside the file, and the section after either, if it has one. */
function pageFaults({ path, text }: SourceFile): string[] {
  const named = [...text.matchAll(/(tests-spec\/[\w./-]+\.md)(?: §(\d[\d.]*\d|\d))?/g)].map((m) => ({
    page: m[1] ?? '',
    section: m[2],
  }))
  const beside = [...text.matchAll(/(?<![\w/.-])([\w-]+\.md)(?: is the page| §(\d[\d.]*\d|\d))/g)].map(
    (m) => ({
      page: posix.join(posix.dirname(path), m[1] ?? ''),
      section: m[2],
    }),
  )
  return [...named, ...beside].flatMap(({ page, section }) => {
    if (!existsSync(join(root, page))) return [`${path} names ${page}, which is not there`]
    if (section === undefined) return []
    const numbers = [...readFileSync(join(root, page), 'utf8').matchAll(/^#+\s+(\d[\d.]*\d|\d)\b/gm)].map(
      (m) => m[1],
    )
    return numbers.includes(section) ? [] : [`${path} names ${page} §${section}, a section that is not there`]
  })
}

/** A file that a comment names, by its name or by the end of its path, is there. */
function mentionFaults({ path, text }: SourceFile): string[] {
  const comments = text.split('\n').flatMap((line) => /^\s*(?:\/\/|\/?\*)(.*)/.exec(line)?.[1] ?? [])
  const named = comments.flatMap((line) => [
    ...line.matchAll(/(?<![\w./-])([a-z][\w./-]*\.(?:ts|md|mjs|sh))(?![\w-])/g),
  ])
  return named
    .map((match) => match[1] ?? '')
    .filter((name) => !everyPath.some((known) => known === name || known.endsWith(`/${name}`)))
    .map((name) => `${path} names ${name}, a file that is not there`)
}

const everyPath = ['.ts', '.md', '.mjs', '.sh'].flatMap((ending) =>
  filesEndingIn(ending).map(({ path }) => path),
)

/** A number that is "as in" another file is two numbers, and one of them changes. */
function borrowedNumberFaults({ path, text }: SourceFile): string[] {
  return [
    ...text.matchAll(/as in ([\w-]+\.ts)[^\n]*\n(?: ?\*\/\n)?\s*(?:export )?(?:const )?\w+(?: =|:) [\d_]+/g),
  ].map((match) => `${path} has a number "as in ${match[1]}": let both take it from one place`)
}

/** Functions of tests-spec that judge observations; a collector that judges again would import one. */
function judges({ path, text }: SourceFile): boolean {
  return (
    path.startsWith('collector/') &&
    !path.endsWith('.test.ts') &&
    /import[^;]*?\bjudge\w+[^;]*?tests-spec\/nettests/.test(text)
  )
}

/** Only `npm run` and npm's own words for scripts; what stands in prose or in code alike, since people copy either. */
function commandFaults({ path, text }: SourceFile, scripts: ReadonlySet<string>): string[] {
  const commands = [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(
    (m) => m[1] ?? m[2] ?? '',
  )
  return commands
    .filter((each) => !scripts.has(each))
    .map((each) => `${path} says npm run ${each}, no such script`)
}

/** Folders every Linux has, so naming them says nothing about the machine a page was written on. */
const standardFolders = new Set([
  '/',
  '/home',
  '/opt',
  '/srv',
  '/tmp',
  '/usr',
  '/usr/src',
  '/var',
  '/root',
  '/mnt',
])

const ownPlaces = [root.replace(/\/$/, ''), dirname(root.replace(/\/$/, '')), homedir()].filter(
  (place) => !standardFolders.has(place),
)

function machineFaults({ path, text }: SourceFile, places: readonly string[]): string[] {
  return places
    .filter((place) => text.includes(`${place}/`) || text.includes(`${place}\``))
    .map((place) => `${path} names ${place}, a folder of one machine`)
}

/** A bare `#12` means another thing in every fork; `owner/repo#12` means one thing everywhere. */
function issueFaults({ path, text }: SourceFile): string[] {
  return [...withoutCode(text).matchAll(/(?<![\w/&-])#\d+\b/g)].map(
    ([number]) => `${path} says ${number}: write owner/repo${number}, or better, say it`,
  )
}

describe('the documents', () => {
  it('link only to what is there', () => {
    expect(pages.flatMap(linkFaults)).toEqual([])
  })

  it('have every page and section the code names', () => {
    expect(others.flatMap(pageFaults)).toEqual([])
  })

  it('are named in comments only where they are there, and no number is borrowed by a comment', () => {
    expect(others.flatMap(mentionFaults)).toEqual([])
    expect(others.flatMap(borrowedNumberFaults)).toEqual([])
  })

  it('say that the collector does not judge again, as long as it does not', () => {
    const says = (path: string, words: RegExp) => words.test(readFileSync(join(root, path), 'utf8'))
    const built = sources.some(judges)
    expect(says('docs/adr/0004-verdict-rules-pure-and-shared.md', /not\s+yet\s+built/)).toBe(!built)
    expect(says('tests-spec/nettests/verdict.md', /the collector does not do that yet/)).toBe(!built)
  })

  it('give commands that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    expect(pages.flatMap((page) => commandFaults(page, new Set(Object.keys(scripts))))).toEqual([])
  })

  it('can be found from the README by following links', () => {
    const links = pages.flatMap(linksOf)
    const found = new Set(['README.md'])
    for (const page of found) for (const { from, to } of links) if (from === page) found.add(indexOf(to))
    expect(
      pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !found.has(path)),
    ).toEqual([])
  })

  it('name no folder of the machine they were written on, and no issue without its repository', () => {
    expect(pages.flatMap((page) => machineFaults(page, ownPlaces))).toEqual([])
    expect(pages.flatMap(issueFaults)).toEqual([])
  })
})

/** A link to a folder leads to its README. */
function indexOf(path: string): string {
  return existsSync(join(root, path, 'README.md')) ? posix.join(path, 'README.md') : path
}

describe('the glossary', () => {
  const page = readFileSync(join(root, 'docs/glossary.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (.+?) +\| .+? +\| (.*?) *\|$/gm)].map(([, word = '', not = '']) => ({
    word,
    not,
  }))
  const inMarks = (text: string) => [...text.matchAll(/`([a-z_]+)`/g)].map((match) => match[1] ?? '')
  const banned = [
    ...rows.flatMap(({ not }) => inMarks(not)),
    ...inMarks(/^Names say[^.]*\./m.exec(page)?.[0] ?? ''),
  ]

  it('is a table, with words to avoid', () => {
    expect(rows.length).toBeGreaterThan(20)
    expect(banned.length).toBeGreaterThan(15)
  })

  it('is kept to by the names of files and of what they export', () => {
    const programs = sources.filter(({ path }) => /^(agent|collector|tests-spec)\//.test(path))
    expect(programs.flatMap((source) => nameFaults(source, banned))).toEqual([])
  })

  it('would see a name that it avoids', () => {
    const source = {
      path: 'agent/spool/x.ts',
      text: 'export const openOutbox = 1\nexport interface JobManager {}',
    }
    expect(nameFaults(source, banned)).toHaveLength(3)
    expect(nameFaults({ path: 'agent/x/task-queue.ts', text: '' }, banned)).toHaveLength(1)
    expect(nameFaults({ path: 'agent/x/nodes.ts', text: 'export const acknowledged = 1' }, banned)).toEqual(
      [],
    )
  })
})

/** A word counts as a whole: `ack` is not in `acknowledged`. */
function nameFaults({ path, text }: SourceFile, banned: readonly string[]): string[] {
  const exported = [
    ...text.matchAll(
      /^export (?:default )?(?:abstract )?(?:async )?(?:const|function|class|interface|type|let) (\w+)/gm,
    ),
  ]
  const names = [
    posix.basename(path).replace(/(\.test)?\.ts$/, ''),
    ...exported.map((match) => match[1] ?? ''),
  ]
  return names.flatMap((name) => {
    const words = name
      .replace(/([a-z])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .split(/[-_]/)
    return banned.filter((word) => words.includes(word)).map((word) => `${path}: "${name}" says ${word}`)
  })
}

describe('the decisions', () => {
  const records = pages.filter(({ path }) => /^docs\/adr\/\d{4}-.*\.md$/.test(path))
  const index = pages.find(({ path }) => path === 'docs/adr/README.md')

  it('have a number each', () => {
    const numbers = records.map(({ path }) => posix.basename(path).slice(0, 4))
    expect(numbers).toEqual([...new Set(numbers)])
  })

  it('are all listed, with their own title', () => {
    const unlisted = records.filter(({ path, text }) => {
      const title = /^# (.+)$/m.exec(text)?.[1]
      return !index?.text.includes(`[${title}](${posix.basename(path)})`)
    })
    expect(unlisted.map(({ path }) => path)).toEqual([])
  })

  it('have the five parts of the template', () => {
    const parts = ['Status', 'Context', 'Decision', 'Consequences', 'What would change our mind']
    const lacking = records.flatMap(({ path, text }) =>
      parts
        .filter((part) => !new RegExp(`^(## )?${part}\\b`, 'm').test(text))
        .map((part) => `${path} lacks ${part}`),
    )
    expect(lacking).toEqual([])
  })
})

/** One made-up page per rule: a checker that cannot fail protects nothing. */
describe('the checker of the documents', () => {
  const page = (text: string, path = 'docs/made-up.md') => ({ path, text })
  const links = (text: string) => linkFaults(page(text))
  const scripts = new Set(['test'])

  it.each([
    ['a link to nowhere', links('[a](no-such-page.md)')],
    ['a reference to nowhere', links('[a]: no-such-page.md')],
    ['a link out of the repository', links('[a](../../elsewhere.md)')],
    ['a heading that is not there', links('[a](adr/README.md#no-such-heading)')],
    ['a page the code names', pageFaults(page('// tests-spec/no-such-page.md', 'agent/x.ts'))],
    ['a page beside the code', pageFaults(page('// no-such-page.md is the page.', 'agent/x.ts'))],
    ['a file that a comment names', mentionFaults(page('// See no-such-file.ts for it.', 'agent/x.ts'))],
    [
      'a borrowed number',
      borrowedNumberFaults(
        page('/** As long as in dial.ts, as in dial.ts. */\nconst a = 4_000', 'agent/x.ts'),
      ),
    ],
    ['a command nobody wrote', commandFaults(page('Run `npm run fly`.'), scripts)],
    ['a folder of one machine', machineFaults(page('in /build-7/sonde/dist'), ['/build-7'])],
    ['an issue of who knows where', issueFaults(page('Fixes #12.'))],
  ])('sees %s', (_, faults) => {
    expect(faults).toHaveLength(1)
  })

  it.each([
    ['a link to what is there', links('[a](../package.json) and [b](https://example.test/x.md)')],
    ['an example in code', links('```\n[a](no-such-page.md)\n```\nand `[b](nor-this.md)`')],
    ['a command of package.json', commandFaults(page('Run `npm test`.'), scripts)],
    ['an issue with its repository', issueFaults(page('See nodejs/node#12 and a colour `#123456`.'))],
  ])('lets %s pass', (_, faults) => {
    expect(faults).toEqual([])
  })
})
