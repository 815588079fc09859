// The collector's page in a real browser, with what a real agent sent: readable wide and narrow, in both languages,
// and without a single request to anywhere else.

import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { type RunningCollector, sonde, startCollector, temporaryFolder } from '../support/processes.ts'

const executablePath = '/usr/bin/chromium'
const installed = existsSync(executablePath)
if (!installed)
  console.warn('The browser suite DID NOT RUN: no Chromium here. Install it: apt-get install chromium')

describe.runIf(installed)('the dashboard in a browser', () => {
  let internet: LoopbackInternet
  let collector: RunningCollector
  let browser: Browser

  beforeAll(async () => {
    internet = await startLoopbackInternet()
    collector = await startCollector()
    const state = temporaryFolder('agent')
    await sonde(['enrol', collector.url, await collector.token(), '--state', state])
    await sonde(['once', '--state', state, ...internet.agentArguments])
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
  })
  afterAll(async () => {
    await browser?.close()
    internet?.close()
    await collector?.stop()
  })

  it.each([1200, 360])(
    'shows each target with its verdict in words at %i px, without scrolling sideways',
    async (width) => {
      const page = await browser.newPage({ viewport: { width, height: 900 } })
      const elsewhere: string[] = []
      page.on('request', (request) => {
        if (!request.url().startsWith(collector.url)) elsewhere.push(request.url())
      })
      await page.goto(`${collector.url}/?lang=en`)
      // What a person sees, not what the document holds.
      // biome-ignore lint/performance/useDomNodeTextContent: text that is hidden must not count
      const text = await page.innerText('body')
      for (const input of Object.values(internet.inputs)) expect(text).toContain(new URL(input).host)
      for (const verdict of ['anomaly', 'undetermined', 'ok']) expect(text.toLowerCase()).toContain(verdict)
      expect(text).toContain('AS30985')
      const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
      expect(overflow).toBeLessThanOrEqual(0)
      expect(elsewhere).toEqual([])
      await page.close()
    },
  )

  it('speaks French when asked to, and says so to a screen reader', async () => {
    const page = await browser.newPage({ locale: 'fr-FR' })
    await page.goto(collector.url)
    expect(await page.getAttribute('html', 'lang')).toBe('fr')
    await page.close()
  })
})
