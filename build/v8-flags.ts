// The V8 flags with which the agent is started on a device. They are in the units and scripts under deploy/, since
// NODE_OPTIONS refuses two of them; a test keeps those and the benchmark the same.

/** The benchmark's table shows what these flags save over 2,000 checks: the figures with all of them and without. */
export const v8Flags: readonly string[] = [
  // The young generation stays small instead of growing with every burst.
  '--max-semi-space-size=1',
  '--optimize-for-size',
  // llhttp's WebAssembly is compiled once, cheaply: on Node 20, its second compilation is the peak of memory of the
  // whole run.
  '--liftoff-only',
  // No optimising compilers: for work that waits for networks, the memory they take is worth more than their speed.
  '--no-opt',
  '--no-maglev',
]
