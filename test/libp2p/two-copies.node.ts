/**
 * Two copies of the package in one process, as with two versions of it or where it is bundled
 * into something: both change the classes of the same connections and streams
 */

import { mkdir, rm } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { memory } from '@libp2p/memory'
import { expect } from 'aegir/chai'
import { build } from 'esbuild'
import { createLibp2p } from 'libp2p'
import * as first from '../../src/index.ts'
import { eventually, eventuallyEqual } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, eventuallyOneStream, leaveRoom, memoryAddress } from './fixtures/nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManager } from '../../src/index.ts'

type Copy = typeof first

/**
 * Where the bare names of other packages are found, and nothing is checked in
 */
const DIRECTORY = new URL('../../dist/', import.meta.url)

async function copyOf (): Promise<Copy> {
  const outfile = fileURLToPath(new URL('second-copy.mjs', DIRECTORY))

  await mkdir(DIRECTORY, { recursive: true })
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/index.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent'
  })

  try {
    return await import(pathToFileURL(outfile).href)
  } finally {
    await rm(outfile)
  }
}

describe('two copies of the package in one process', () => {
  const nodes: TestNode[] = []
  let second: Copy

  before(async () => {
    second = await copyOf()
    expect(second.resourceManager).to.not.equal(first.resourceManager)
  })

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async node => node.stop()))
  })

  async function create ({ resourceManager }: Copy): Promise<TestNode> {
    const node = await createLibp2p<{ resourceManager: ResourceManager }>({
      addresses: { listen: [memoryAddress()] },
      transports: [memory()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { resourceManager: resourceManager({ baseCosts: false, transientShare: 1 }) }
    })

    nodes.push(node as unknown as TestNode)

    return node as unknown as TestNode
  }

  for (const [name, pick] of Object.entries({
    'the dialer': (): [Copy, Copy] => [second, first],
    'the listener': (): [Copy, Copy] => [first, second]
  })) {
    it(`should count and limit what they have when ${name} has the other one`, async () => {
      const [ofDialer, ofListener] = pick()
      const dialer = await create(ofDialer)
      const listener = await create(ofListener)
      const inbox = await Inbox.of(listener)
      const connection = await dialer.dial(listener.getMultiaddrs()[0])
      const local = await connection.newStream(PROTOCOL)
      const remote = await inbox.next()

      await eventuallyOneStream(dialer, listener, PROTOCOL)

      // what is in a buffer is counted once, by the one whose stream it is
      remote.pause()
      local.send(new Uint8Array(100_000))
      await eventually(() => listener.services.resourceManager.stat().system.memory > 0, 'what was received')
      expect(listener.services.resourceManager.stat().system.memory).to.equal(remote.readBufferLength)
      expect(dialer.services.resourceManager.stat().system.memory).to.equal(local.writeBufferLength)

      leaveRoom(listener, { streamsInbound: 0 })
      const refused = await connection.newStream(PROTOCOL).catch(() => undefined)
      expect(refused).to.equal(undefined)
      await eventuallyEqual(() => listener.services.resourceManager.stat().system.numStreamsInbound, 1, 'the streams of the listener')

      await connection.close()
      await eventuallyHeld(dialer, {})
      await eventuallyHeld(listener, {})
    })
  }

  it('should know the scopes of each other', async () => {
    const dialer = await create(first)
    const listener = await create(second)
    await Inbox.of(listener)
    const connection = await dialer.dial(listener.getMultiaddrs()[0])
    const stream = await connection.newStream(PROTOCOL)

    // a protocol may have been built with another copy than the node
    for (const copy of [first, second]) {
      expect(copy.getStreamScope(stream).stat()).to.include({ numStreamsOutbound: 1 })
      expect(copy.getConnectionScope(connection).stat()).to.include({ numConnsOutbound: 1 })

      copy.getStreamScope(stream).reserveMemory(1_000)
      expect(dialer.services.resourceManager.stat().system).to.include({ memory: 1_000 })
      copy.getStreamScope(stream).releaseMemory(1_000)
    }
  })

  it('should know the errors of each other', async () => {
    const dialer = await create(first)
    const listener = await create(second)
    await Inbox.of(listener)
    const stream = await dialer.dialProtocol(listener.getMultiaddrs()[0], PROTOCOL)
    const limit = dialer.services.resourceManager.limits?.system.memory as number
    let thrown: unknown

    try {
      second.getStreamScope(stream).reserveMemory(limit + 1)
    } catch (err) {
      thrown = err
    }

    for (const copy of [first, second]) {
      expect(thrown).to.be.instanceOf(copy.MemoryLimitExceededError)
      expect(thrown).to.be.instanceOf(copy.ResourceLimitExceededError)
      expect(thrown).not.to.be.instanceOf(copy.StreamLimitExceededError)
      expect(thrown).not.to.be.instanceOf(copy.ResourceScopeClosedError)
    }

    for (const other of [undefined, null, 1, {}, new Error('of somebody else')]) {
      expect(other).not.to.be.instanceOf(first.ResourceLimitExceededError)
    }
  })

  it('should not both manage a node', async () => {
    const node = createLibp2p({
      addresses: { listen: [memoryAddress()] },
      transports: [memory()],
      services: { first: first.resourceManager(), second: second.resourceManager() }
    })

    await expect(node).to.eventually.be.rejectedWith('services: expected one resource manager, got "a second one"')
  })
})
