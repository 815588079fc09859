// The V8 flags the agent is started with on a device. They stand in the units and scripts under deploy/, since
// NODE_OPTIONS refuses two of them; a test keeps those and the benchmark the same.

/** What each holds down, measured over 2,000 checks, is in the benchmark's table with and without all of them. */
export const v8Flags: readonly string[] = [
  // The young generation stays small instead of growing with every burst.
  '--max-semi-space-size=1',
  '--optimize-for-size',
  // llhttp's WebAssembly is compiled once, cheaply: its second compilation is the peak of the whole run on Node 20.
  '--liftoff-only',
  // No optimising compilers: for work that waits for networks, their memory is worth more than their speed.
  '--no-opt',
  '--no-maglev',
]
