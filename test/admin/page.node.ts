/**
 * What is protected: the live page shows what happens while a node is attacked, in both themes
 * and at the width of a phone; it can be used with a keyboard; nothing is asked of anybody
 * but the node; what remote peers are called is text.
 *
 * `SCREENSHOTS=directory` keeps what it looks like.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { chromium } from 'playwright-core'
import { adminServer } from '../../src/admin.ts'
import { createResourceManager } from '../../src/index.ts'
import { Members, TestEngine } from '../fleet/fixtures.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { memoryAddress, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { peerA as PEER } from '../scopes/fixtures.ts'
import { AttackedNode } from './fixtures/demo.ts'
import type { AdminServerInit } from '../../src/admin.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

const ROOT = new URL('../../', import.meta.url)

/**
 * How long the page may take for anything, in ms: those who attack have most of the machine
 */
const PATIENCE = 60_000

const TOKEN = 'not-a-secret-0123456789'

const VIEWS: Array<{ colorScheme: 'light' | 'dark', width: number }> = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'light', width: 360 },
  { colorScheme: 'dark', width: 360 }
]

/**
 * The luminance of a colour as `rgb(…)`, roughly
 */
function brightness (color: string): number {
  const [red, green, blue] = (color.match(/\d+/g) ?? []).map(Number)

  return (red + green + blue) / 3 / 255
}

describe('live page', function () {
  this.timeout(4 * PATIENCE)

  let browser: Browser
  let page: Page
  let faults: string[]

  before(async function () {
    await promisify(execFile)(process.execPath, [fileURLToPath(new URL('tasks/build-page.js', ROOT))])

    const { systemBrowser } = await import(new URL('tasks/system-browser.js', ROOT).href)

    browser = await chromium.launch({ ...await systemBrowser('chromium'), timeout: PATIENCE })
  })

  after(async () => {
    await browser?.close()
  })

  afterEach(async () => {
    await page?.context().close()
  })

  /**
   * Opens the page, and notes whatever it should not do
   */
  async function open (url: string, options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })

    faults = []
    page = await context.newPage()
    page.setDefaultTimeout(PATIENCE)
    page.on('request', request => { new URL(request.url()).origin === new URL(url).origin || faults.push(`request to ${request.url()}`) })
    page.on('pageerror', err => { faults.push(`error: ${err.message}`) })
    page.on('dialog', dialog => {
      faults.push('a script of a remote peer has run')
      void dialog.dismiss()
    })
    await page.exposeFunction('noteViolation', (what: string) => { faults.push(`violation of the policy: ${what}`) })
    await page.addInitScript('document.addEventListener("securitypolicyviolation", event => { noteViolation(event.violatedDirective + " " + event.blockedURI) })')
    await page.goto(url)
  }

  const live = async (): Promise<unknown> => page.waitForSelector('#status.live')
  const texts = async (selector: string): Promise<string[]> => page.locator(selector).allTextContents()

  describe('of a node that is attacked', () => {
    const node = new AttackedNode()

    before(async () => {
      await node.start()
      node.attack()
    })

    after(async () => {
      await node.stop()
    })

    VIEWS.forEach(({ colorScheme, width }) => {
      it(`should show what happens, in ${colorScheme} colours and ${width} px`, async () => {
        await open(node.report?.page ?? '', { colorScheme, viewport: { width, height: width === 360 ? 740 : 900 } })
        await live()
        // a limit that is reached, and one that has refused something
        await page.waitForSelector('#bars .row.bad')
        await page.waitForSelector('#counts .row .rate:not(:empty)')
        await page.waitForSelector('#refusals .row')
        await page.waitForSelector('#networks .row')
        await page.waitForSelector('#peers .row')
        await page.waitForSelector('#services .row')

        expect(await page.locator('#charts canvas').count()).to.equal(3)
        expect((await texts('#counts code')).filter(text => text !== '')).to.not.be.empty()
        expect(await texts('#networks .name')).to.include('127.0.0.0/16')
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.be.at.most(width)

        const background = brightness(await page.evaluate(() => getComputedStyle(document.body).backgroundColor))

        expect(background > 0.5).to.equal(colorScheme === 'light')

        if (process.env.SCREENSHOTS != null) {
          await page.screenshot({ path: join(process.env.SCREENSHOTS, `${colorScheme}-${width}.png`), fullPage: true })
        }

        expect(faults).to.deep.equal([])
      })
    })
  })

  describe('of a manager', () => {
    let manager: ResourceManager

    async function serve (init: Partial<AdminServerInit> = {}): ReturnType<typeof adminServer> {
      return adminServer(manager, { port: 0, ...init })
    }

    beforeEach(() => {
      manager = createResourceManager({ limits: { system: { connsInbound: 1 } }, warnings: false })
    })

    afterEach(async () => {
      await manager.stop()
    })

    it('should be used with a keyboard', async () => {
      const admin = await serve()

      manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1')
      expect(() => manager.openConnection('inbound', true, '/ip4/192.0.2.2/tcp/1')).to.throw()

      await open(admin.url, { permissions: ['clipboard-read', 'clipboard-write'] })
      await live()
      await page.waitForSelector('#counts .copy')

      // search
      await page.keyboard.press('/')
      expect(await page.evaluate(() => document.activeElement?.id)).to.equal('search')
      await page.keyboard.type('transient')
      await page.waitForFunction(() => Array.from(document.querySelectorAll('#bars .name'), name => name.textContent).every(name => name === 'transient'))
      await page.keyboard.press('Escape')
      await page.waitForFunction(() => Array.from(document.querySelectorAll('#bars .name'), name => name.textContent).includes('system'))

      // what is focused stays so while the page goes on
      await page.evaluate(() => { document.getElementById('counts')?.focus() })
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement?.className)).to.equal('copy')
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.activeElement?.textContent === 'Copied')
      expect(await page.evaluate(async () => navigator.clipboard.readText())).to.equal('System.ConnsInbound')

      // pause
      await page.keyboard.press('p')
      expect(await page.getAttribute('#pause', 'aria-pressed')).to.equal('true')
      await page.keyboard.press('p')
      expect(await page.getAttribute('#pause', 'aria-pressed')).to.equal('false')

      expect(faults).to.deep.equal([])

      // and say when the node has gone
      await admin.close()
      await page.waitForSelector('#status.lost')
    })

    it('should show names as text', async () => {
      const admin = await serve()
      const name = '<img src=x onerror=alert(1)><script>alert(2)</script>\u202e"'

      manager.viewProtocol(name, (scope) => { scope.reserveMemory(10) })
      manager.viewService(name, (scope) => { scope.reserveMemory(10) })
      await open(admin.url)
      await live()
      await page.waitForSelector('#services .row')

      // what turns text around is escaped
      expect(await texts('#services .name')).to.deep.equal([name.replace('\u202e', '\\u202e')])
      expect(await page.locator('main img, main script').count()).to.equal(0)
      expect(faults).to.deep.equal([])
      await admin.close()
    })

    it('should say how many there are where not all are shown', async () => {
      const admin = await serve()

      for (let i = 0; i < 40; i++) {
        manager.viewService(`service-${i}`, (scope) => { scope.reserveMemory(1) })
      }

      await open(admin.url)
      await live()
      await page.waitForFunction(() => document.getElementById('services-note')?.textContent === '30 of 40')
      expect(faults).to.deep.equal([])
      await admin.close()
    })

    it('should show marks of what has been, and when', async () => {
      const admin = await serve()

      manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1').done()
      const [first, second] = [1, 2].map(() => manager.openStream(PEER, 'outbound'))

      manager.highWaterMarks()
      first.done()
      await open(admin.url)
      await live()
      await page.waitForSelector('#peaks .row')

      // there are two streams at most, and one now
      const peaks = await texts('#peaks .row')
      const ofSystem = peaks.find(text => text.startsWith('systemoutbound streams')) ?? ''

      expect(ofSystem).to.match(/\d\d:\d\d:\d\d2 of /, peaks.join('\n'))

      const [marked] = await page.locator('#bars .row', { hasText: 'outbound streams' }).filter({ hasText: 'system' }).all()

      expect(await marked.locator('.bar').getAttribute('title')).to.match(/^at most 2, at \d\d:\d\d:\d\d$/)
      expect(await marked.locator('.peak').evaluate(element => (element as HTMLElement).style.left)).to.match(/%$/)
      expect(faults).to.deep.equal([])
      second.done()
      await admin.close()
    })

    it('should show the nodes of a fleet, and what is leased, and nothing of it without one', async () => {
      const engine = new TestEngine()
      const members = new Members()
      const alone = await serve()

      await open(alone.url)
      await live()
      expect(await page.isVisible('#fleet')).to.be.false()
      await page.context().close()
      await alone.close()

      // a node that is not heard of for its ttl has gone: browsers have most of the machine
      const init = { limits: { system: { connsInbound: 10 } }, ttl: 10_000 }
      const { manager: own } = await members.add(engine.client(), { node: 'berlin', ...init })
      const other = await members.add(engine.client(), { node: 'tokyo', ...init })

      other.manager.openConnection('inbound', false)

      const admin = await adminServer(own, { port: 0 })

      try {
        await open(admin.url)
        await live()
        await page.waitForFunction(() => ['berlin', 'tokyo'].every(name => document.getElementById('fleet-nodes')?.textContent?.includes(name)))
        await page.waitForFunction(() => /^test: joined, 2 nodes, [\d.]+ s old$/.test(document.getElementById('fleet-note')?.textContent ?? ''))
        await page.waitForFunction(() => Array.from(document.querySelectorAll('#fleet-nodes .row'), row => row.textContent).some(text => text?.includes('berlin') === true && text.includes('this node')))
        await page.waitForFunction(() => Array.from(document.querySelectorAll('#fleet-leases .row'), row => row.textContent).some(text => /systemconnsInbound\d+ of \d+ leased of 10/.test(text ?? '')))

        // and what is wrong with it
        engine.failure = new Error('engine is away')
        await page.waitForFunction(() => document.getElementById('fleet-note')?.textContent?.includes('engine is away'))
        expect(faults).to.deep.equal([])
      } finally {
        engine.failure = undefined
        await admin.close()
        await members.stop()
      }
    })

    it('should show what gave way, to whom, and the setting', async () => {
      const nodes = new TestNodes()
      const address = memoryAddress()
      const node = await nodes.create({ addresses: { listen: [address] }, manager: { fairness: { protect: 0 }, limits: { system: { connsInbound: 2 } } } })
      const [greedy, stranger] = await Promise.all([1, 2].map(async () => nodes.create({ manager: false })))

      await greedy.dial(multiaddr(address), { force: true })
      await greedy.dial(multiaddr(address), { force: true })
      await eventually(() => node.getConnections().length === 2, 'the connections')
      await stranger.dial(multiaddr(address), { force: true })
      await eventually(() => node.services.resourceManager.recentEvictions().length === 1, 'the eviction')

      const admin = await adminServer(node.services.resourceManager, { port: 0 })

      await open(admin.url)
      await live()
      await page.waitForSelector('#refusals .row.way')

      const row = page.locator('#refusals .row.way')

      expect(await row.locator('.line').textContent()).to.match(/^\d\d:\d\d:\d\dsystemconnection gave way: 2 of 2 in useSystem\.ConnsInboundCopy$/)
      expect(await row.locator('.mono').last().getAttribute('title')).to.include(`no IP address (${greedy.peerId}) to no IP address  ${greedy.peerId}`)
      expect(await row.locator('.copy').getAttribute('aria-label')).to.equal('Copy System.ConnsInbound')
      expect(faults).to.deep.equal([])
      await admin.close()
      await nodes.stop()
    })

    it('should ask for the token where it takes one', async () => {
      const admin = await serve({ host: '0.0.0.0', token: TOKEN })

      await open(`http://127.0.0.1:${admin.port}/`)
      await page.waitForSelector('#login[open]')
      await page.fill('#token', 'wrong')
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => /not the token/.test(document.getElementById('login-note')?.textContent ?? ''))
      await page.fill('#token', TOKEN)
      await page.keyboard.press('Enter')
      await live()
      expect(faults).to.deep.equal([])
      await admin.close()
    })
  })
})
