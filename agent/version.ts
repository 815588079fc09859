// What this build is. The bundler writes both values in; run from source they say so.

declare const __SONDE_VERSION__: string
declare const __SONDE_BUILD_DATE_MS__: number

export const softwareName = 'sonde'
export const version: string = typeof __SONDE_VERSION__ === 'string' ? __SONDE_VERSION__ : '0.0.0-source'
/** Milliseconds since 1970. No true clock can be before it; 0 when run from source. */
export const buildDateMs: number = typeof __SONDE_BUILD_DATE_MS__ === 'number' ? __SONDE_BUILD_DATE_MS__ : 0
