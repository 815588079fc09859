// An error of the system in a log: which, and in which call. Its sentence names a path, and with it a person's home.

/** `ENOSPC write`; the kind of error where it is not the system's. */
export function errorWord(error: unknown): string {
  if (!(error instanceof Error)) return 'no error'
  const code = 'code' in error ? String(error.code) : error.name
  return 'syscall' in error ? `${code} ${String(error.syscall)}` : code
}
