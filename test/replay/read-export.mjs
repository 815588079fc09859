// Prints what a collector exports, once it has read everything that it received. Argument: its address.

const collector = process.argv[1]
let behind = 1
while (behind > 0) {
  // The export waits up to a second for what was just received: no need to wait here.
  const exported = await fetch(`${collector}/api/v1/measurements?format=kept&limit=10000`)
  const text = await exported.text()
  if (!exported.ok) throw new Error(`The collector answered ${exported.status}: ${text}`)
  behind = (await (await fetch(`${collector}/healthz`)).json()).behind
  if (behind === 0) process.stdout.write(text)
}
