// A program in a real terminal, and a person in front of it who answers what it asks. Needs python3, for the terminal.

import { execFile, spawnSync } from 'node:child_process'
import { cleanEnvironment } from './processes.ts'

export const hasPty = spawnSync('python3', ['--version']).status === 0
if (!hasPty) console.error('\n\n  NO TERMINAL WAS MADE: it needs python3.\n\n')

export interface Turn {
  /** What is waited for. */
  readonly until: string
  /** What is typed then, and a line end. */
  readonly type: string
}

const driver = `
import json, os, pty, sys, fcntl, struct, termios
turns = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 100, 0, 0))
seen = b''
at = 0
try:
    while data := os.read(terminal, 65536):
        seen += data
        while turns:
            found = seen.find(turns[0]['until'].encode(), at)
            if found < 0:
                break
            at = found + len(turns[0]['until'].encode())
            os.write(terminal, turns.pop(0)['type'].encode() + b'\\r')
except OSError:
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.write(json.dumps({'code': os.waitstatus_to_exitcode(status), 'seen': seen.decode('utf-8', 'replace'), 'left': len(turns)}))
`

/** @returns The exit code, all that was shown, and how many turns did not come. */
export function onTerminal(
  argv: readonly string[],
  turns: readonly Turn[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly seen: string; readonly left: number }> {
  const words = ['-c', driver, JSON.stringify(turns), process.execPath, ...argv]
  const options = { env: { ...cleanEnvironment(), TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env } }
  return new Promise((resolve, reject) =>
    execFile('python3', words, options, (error, out) => {
      if (error !== null) return reject(error)
      const said = JSON.parse(out)
      resolve({ ...said, seen: withoutControl(said.seen) })
    }),
  )
}

/** As a person reads it: without what moves the cursor. */
function withoutControl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '')
}
