// What the machine tells of its power and warmth, from /sys: nothing is started to find out, and what a system hides is
// absent. A Raspberry Pi says under hwmon whether its supply is too weak.

import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

export interface MachineState {
  /** Percent. */
  readonly battery?: number
  /** Whether it is being charged, or full. */
  readonly plugged?: boolean
  readonly tempC?: number
  readonly undervoltage?: boolean
}

/** @param sys - Where sysfs is. */
export function machineState(sys = '/sys'): MachineState {
  const supplies = below(join(sys, 'class/power_supply'))
  const battery = supplies.find((each) => textIn(each, 'type') === 'Battery')
  const percent = battery === undefined ? null : numberIn(battery, 'capacity')
  const zones = below(join(sys, 'class/thermal')).filter((each) => each.includes('thermal_zone'))
  // Zones of parts that are switched off say nonsense.
  const degrees = zones
    .map((each) => (numberIn(each, 'temp') ?? Number.NaN) / 1000)
    .filter((each) => each > -40 && each < 150)
  const alarm = below(join(sys, 'class/hwmon'))
    .filter((each) => textIn(each, 'name') === 'rpi_volt')
    .map((each) => numberIn(each, 'in0_lcrit_alarm'))[0]
  return {
    ...(percent !== null && percent >= 0 && percent <= 100 && { battery: Math.round(percent) }),
    ...(battery !== undefined && { plugged: textIn(battery, 'status') !== 'Discharging' }),
    ...(degrees.length > 0 && { tempC: Math.round(Math.max(...degrees)) }),
    ...(typeof alarm === 'number' && { undervoltage: alarm !== 0 }),
  }
}

/** Megabytes that are free where `path` is; null when that cannot be told. */
export function freeMegabytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path)
    return Math.floor((bavail * bsize) / 1e6)
  } catch {
    return null
  }
}

function below(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    return []
  }
}

function textIn(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'latin1').trim()
  } catch {
    return null
  }
}

function numberIn(folder: string, name: string): number | null {
  const text = textIn(folder, name)
  return text !== null && /^-?\d{1,9}$/.test(text) ? Number(text) : null
}
