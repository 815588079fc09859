// What `sonde --help` prints. Fits 80 columns; on a narrower screen the terminal wraps it.

export const help = `sonde: measures what can be reached from here, keeps it, and sends it on.

  sonde run                measure on the schedule until stopped
  sonde once [URL...]      measure once: the test list, or these URLs
  sonde status             what the agent is doing, and what waits to be sent
  sonde enrol URL TOKEN    make this device known to a collector
  sonde export DIR         put what waits on a stick, sealed to the collector
  sonde import-receipts DIR  forget what the receipts on a stick speak of
  sonde carry DIR          take other devices' sealed files along, and give
                           back receipts; works with and without a running agent
  sonde verify FILE...     check batch files offline and say what they prove

  --state DIR      where keys, results and logs are kept
                   (default: $XDG_STATE_HOME/sonde or ~/.local/state/sonde)
  --config FILE    settings (JSON); SONDE_... variables go over them
                   (default: config.json in DIR, or below ~/.config/sonde)
  --json           once: print measurements, one JSON object a line
                   status, verify, export, import-receipts, carry: one object
  --recipient KEY  export: whom to seal to (age1...), when this device was not
                   told yet
  --key KEY        verify: the probe's public key, base64 SPKI
  --enrolment FILE verify: its enrolment record (default: this device's own)
  --table          run: print each cycle's results also where no terminal is
  --version, --help

Exit codes: 0 done (anomalies included), 1 verify: a file or a chain is not
good, 64 wrong usage, 66 damaged state, 69 not enrolled, enrolment failed or no
recipient, 70 a bug, 73 state folder not writable, 74 the stick is full or
cannot be used, 75 another agent is running, 78 bad configuration or test list.
`
