// Names of targets and roles: which paths a delegation covers, which are no paths at all, and how both are asked for.

/**
 * Whether a target's name can become a file name and a part of a URL and mean one thing: relative, no empty part, no `.`
 * and `..`, nothing encoded, no backslash, colon or control character.
 */
export function isSafePath(path: string): boolean {
  if (/[\\:%\p{Cc}]/u.test(path)) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/**
 * Whether a pattern covers a path (4.5): part by part, `*` for any run of characters and `?` for one, neither for a
 * slash. Everything else stands for itself, brackets and braces too: libraries differ in what they make of these.
 */
export function matchesPattern(path: string, pattern: string): boolean {
  const parts = path.split('/')
  const patterns = pattern.split('/')
  return (
    parts.length === patterns.length && parts.every((part, i) => matchesPart([...part], patterns[i] ?? ''))
  )
}

/** In time linear in both, for each star: a pattern made for it must not keep a device busy. */
function matchesPart(text: readonly string[], pattern: string): boolean {
  const wanted = [...pattern]
  let at = 0
  let star = -1
  let resume = 0
  let i = 0
  while (i < text.length) {
    if (wanted[at] === '*') {
      star = at++
      resume = i
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === text[i])) {
      at++
      i++
    } else if (star >= 0) {
      at = star + 1
      i = ++resume
    } else {
      return false
    }
  }
  return wanted.slice(at).every((letter) => letter === '*')
}

/** @param version - null where the repository does not keep consistent snapshots. */
export function metadataName(role: string, version: number | null): string {
  // The whole name is encoded: a role named `../x` must not leave the folder.
  return `${version === null ? '' : `${version}.`}${encodeURIComponent(role)}.json`
}

/** @param hash - Hex; null where the repository does not keep consistent snapshots. */
export function targetName(path: string, hash: string | null): string {
  if (hash === null) return path
  const slash = path.lastIndexOf('/') + 1
  return `${path.slice(0, slash)}${hash}.${path.slice(slash)}`
}
