import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import sinon from 'sinon'
import { createResourceManager, MemoryLimitExceededError } from '../../src/index.ts'
import { memoryAddress, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { PROTOCOL, refusalCounts } from '../scopes/fixtures.ts'
import { namesIn, readExamples, recorded, runExample } from './examples.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'
import type { Connection, Stream } from '@libp2p/interface'

// what is in the README and the guides is pasted into programs. An example that compiles may still
// crash on the first message that comes in two pieces, so all of them are run

describe('examples of the README and the guides', () => {
  const nodes = new TestNodes()
  const home = process.cwd()
  let directory: string
  let examples: string[]
  let printed: sinon.SinonStub

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'readme-'))
    await writeFile(join(directory, 'limits.json'), JSON.stringify({ System: { Conns: 77 } }))
    examples = await readExamples()
  })

  after(async () => {
    await rm(directory, { recursive: true })
  })

  beforeEach(() => {
    printed = sinon.stub(console, 'info')
    recorded.length = 0
  })

  afterEach(async () => {
    process.chdir(home)
    printed.restore()
    await nodes.stop()
  })

  /**
   * Runs the only example with this text
   */
  async function run (text: string): Promise<Record<string, any>> {
    const found = examples.filter(code => code.includes(text))

    expect(found, text).to.have.lengthOf(1)

    return runExample(examples.indexOf(found[0]), found[0])
  }

  it('should be found', () => {
    expect(examples).to.have.length.above(30)
    expect(examples.flatMap(namesIn)).to.include.members(['node', 'readMessage', 'openTable', 'report', 'wouldFit'])
  })

  it('should all run, and what they configure start and stop in a node', async () => {
    const sources = await readExamples()

    for (const [index, code] of sources.entries()) {
      // examples themselves are found from the home
      const running = runExample(index, code)

      // where the file with limits is, and a trace may be written
      process.chdir(directory)

      try {
        const { node } = await running

        await node?.stop()

        for (const factory of node == null ? recorded.splice(0) : []) {
          const configured = await createLibp2p({ services: { resourceManager: factory } })

          await configured.stop()
        }
      } finally {
        process.chdir(home)
      }

      recorded.length = 0
    }
  })

  /**
   * A connection of two nodes, and the streams that come at its other end
   */
  async function connect (): Promise<{ server: TestNode, connection: Connection, accept(): Promise<Stream> }> {
    const server = await nodes.create({ addresses: { listen: [memoryAddress()] }, manager: { limits: { stream: { memory: 1024 } } } })
    const client = await nodes.create()
    const connection = await client.dial(server.getMultiaddrs())
    const incoming = Promise.withResolvers<Stream>()

    await server.handle(PROTOCOL, stream => { incoming.resolve(stream) })

    return { server, connection, accept: async () => incoming.promise }
  }

  describe('readMessage', () => {
    const message = Uint8Array.from({ length: 100 }, (_, i) => i)

    for (const [name, sizes] of [
      ['in one piece', [100]],
      ['in two pieces', [60, 40]],
      ['byte by byte', new Array(100).fill(1)],
      ['in pieces of which the last one has more', [30, 30, 90]]
    ] as const) {
      it(`should read a message that comes ${name}`, async () => {
        const { readMessage } = await run('function readMessage')
        const { connection, accept } = await connect()
        const stream = await connection.newStream(PROTOCOL)
        const data = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0))
        let offset = 0

        data.set(message)

        const reading = accept().then(async stream => readMessage(stream, 100))

        for (const size of sizes) {
          stream.send(data.slice(offset, offset + size))
          offset += size
          // so that it is a piece of its own
          await new Promise(resolve => setImmediate(resolve))
        }

        expect(await reading).to.deep.equal(message)
      })
    }

    it('should not take half of a message for one', async () => {
      const { readMessage } = await run('function readMessage')
      const { connection, accept } = await connect()
      const stream = await connection.newStream(PROTOCOL)
      const reading = accept().then(async stream => readMessage(stream, 100))

      stream.send(message.slice(0, 60))
      await stream.close()

      await expect(reading).to.eventually.be.rejectedWith('the stream ended after 60 of 100 bytes')
    })

    it('should not believe a length that there is no memory for, and hold nothing afterwards', async () => {
      const { readMessage } = await run('function readMessage')
      const { server, connection, accept } = await connect()

      await connection.newStream(PROTOCOL)

      const stream = await accept()

      await expect(readMessage(stream, 2 ** 30)).to.eventually.be.rejected.and.be.instanceOf(MemoryLimitExceededError)
      expect(server.services.resourceManager.getStreamScope(stream).stat().memory).to.equal(0)
    })
  })

  it('should reserve a table of a service, or nothing', async () => {
    const { openTable } = await run('function openTable')
    const manager = createResourceManager({ warnings: false, limits: { service: { 'my-service': { memory: 100 } } } })

    expect(() => openTable(manager, 101)).to.throw().with.property('service', 'my-service')
    expect(manager.stat().system.memory).to.equal(0)
    expect(openTable(manager, 100)).to.have.lengthOf(100)
    expect(manager.stat().services['my-service'].memory).to.equal(100)
  })

  it('should report what is held and refused', async () => {
    const { report } = await run('function report')
    const manager = createResourceManager({ warnings: false, limits: { system: { conns: 0 } } })

    expect(() => manager.openConnection('inbound', false)).to.throw()
    report(manager)
    expect(printed.lastCall.args[0]).to.equal('1 × any connection by system')
  })

  it('should set the service in a handler', async () => {
    const { register } = await run('setService(\'other-service\')')
    const { server, connection } = await connect()

    await register(server)
    await connection.newStream('/other/1.0.0')
    expect(server.services.resourceManager.listServices()).to.include('other-service')
  })

  it('should limit how often streams of a protocol are opened', async () => {
    const { register } = await run('rateLimit(handler')
    const { server, connection } = await connect()
    const start = performance.now()
    let handled = 0

    await register(server, (stream: Stream) => {
      handled++
      stream.abort(new Error('not needed'))
    })

    for (let i = 0; i < 20; i++) {
      await connection.newStream('/my/1.0.0').catch(() => {})
    }

    // the burst, and one more for each second that it took
    expect(handled).to.be.within(10, 11 + Math.floor((performance.now() - start) / 1_000))
  })

  it('should say which limit refused a stream', async () => {
    const { open } = await run('function open (')
    const warned = sinon.stub(console, 'warn')

    try {
      const client = await nodes.create({ manager: { limits: { peerDefault: { streamsOutbound: 0 } } } })
      const { server } = await connect()
      const connection = await client.dial(server.getMultiaddrs())

      await open(connection)
      expect(warned.lastCall.args[0]).to.equal('PeerDefault.StreamsOutbound')
      expect(refusalCounts(client.services.resourceManager)).to.deep.equal([{ kind: 'peer', resource: 'stream', direction: 'outbound', count: 1 }])
    } finally {
      warned.restore()
    }
  })
})
