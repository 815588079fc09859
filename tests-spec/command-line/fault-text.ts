// The form in which both programs refuse something: who speaks, a sentence, and a stable code for scripts.

/** `sonde: There is no command "statsu". Did you mean status? [bad_usage]` */
export function faultLine(program: string, message: string, code: string): string {
  return `${program}: ${message} [${code}]\n`
}

/** One fault in its line, several below each other. */
export function faultList(opening: string, faults: readonly string[]): string {
  return faults.length === 1
    ? `${faults[0]}`
    : [`${opening}`, ...faults.map((each) => `  ${each}`)].join('\n')
}
