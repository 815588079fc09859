// Variables of the environment that are not the agent's: one file of variables may serve both programs on one machine, and
// each passes over what is the other's. A test compares this with the table of the collector.

export const collectorVariables: readonly string[] = [
  'SONDE_STATE',
  'SONDE_HOST',
  'SONDE_PORT',
  'SONDE_LOG',
  'SONDE_ASN_TABLE',
]
