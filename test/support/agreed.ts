// Spread into the configuration of a test's agent that is to measure with `sonde run`: the host of such a device is the test.

export const agreed = { host_agreed: true }
