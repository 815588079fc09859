// Which coordinator this is. build/bundle.ts puts the number in; run from source there is none.

declare const __SONDE_VERSION__: string | undefined

export const version: string = typeof __SONDE_VERSION__ === 'string' ? __SONDE_VERSION__ : '0.0.0-source'
