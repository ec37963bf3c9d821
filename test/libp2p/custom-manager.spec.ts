import { expect } from 'aegir/chai'
import { createResourceManager, getStreamScope, resourceManager, StreamLimitExceededError } from '../../src/index.ts'
import { eventually, eventuallyEqual, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { Toy } from './fixtures/toy-manager.ts'
import { overMemory } from './fixtures/transports.ts'

// a manager of somebody else's is asked for everything that a node opens, and its word counts

describe('a resource manager of your own', () => {
  const nodes = new TestNodes()
  let toy: Toy

  beforeEach(() => {
    toy = new Toy()
  })

  afterEach(async () => {
    await nodes.stop()
  })

  it('should be asked at each step, with its own scopes, and told of each end', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { manager: toy, services: { mail: [PROTOCOL] } } } })
    const inbox = await Inbox.of(listener)

    expect(toy.running).to.equal(true)

    const connection = await dialer.dial(address)

    await connection.newStream(PROTOCOL)

    const stream = await inbox.next()

    expect(toy.asked.filter(what => !what.includes('/ipfs/') && !what.startsWith('libp2p.'))).to.include.members(['inbound connection', 'peer', 'inbound stream', PROTOCOL, 'mail'])
    expect(toy).to.include({ connections: 1, streams: 1 })

    // ours counts the same
    expect(held(listener)[PROTOCOL]).to.deep.equal({ numStreamsInbound: 1 })

    stream.abort(new Error('enough'))
    await eventually(() => toy.streams === 0, 'the end of the stream')
    await connection.close()
    await eventually(() => toy.connections === 0, 'the end of the connection')
    await eventuallyHeld(listener, {})
    await listener.stop()
    expect(toy.running).to.equal(false)
  })

  async function refuse (refused: string): Promise<void> {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { manager: toy, services: { mail: [PROTOCOL] } } } })
    await listener.handle(PROTOCOL, () => {})

    toy.refused = refused
    await rejection((async () => {
      const stream = await dialer.dialProtocol(address, PROTOCOL)

      // the dialer may learn of it late
      await eventually(() => stream.status !== 'open', 'the reset')
      throw new Error('reset')
    })())

    await eventuallyEqual(() => toy.streams, 0, 'streams')
    expect(listener.services.resourceManager.refusals()).to.have.lengthOf(1)
    expect(listener.services.resourceManager.recentRefusals()[0]).to.include({ scope: 'custom' })

    await dialer.stop()
    await eventually(() => toy.connections === 0, 'the end of the connections')
    await eventuallyHeld(listener, {})
  }

  for (const refused of ['inbound connection', 'peer', 'inbound stream', PROTOCOL, 'mail']) {
    it(`should be obeyed when it refuses: ${refused}`, async () => refuse(refused))
  }

  it('should have its error as the cause of what a program gets', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { dialer: { manager: { manager: toy } } })
    await listener.handle(PROTOCOL, () => {})
    const connection = await dialer.dial(address)

    toy.refused = 'outbound stream'

    const err: any = await rejection(connection.newStream(PROTOCOL))

    expect(err).to.be.instanceOf(StreamLimitExceededError)
    expect(err.message).to.equal('toy: no outbound stream')
    expect(err.cause).to.have.property('message', 'toy: no outbound stream')
    expect(toy.streams).to.equal(0)
    expect(dialer.services.resourceManager.stat().system).to.include({ numStreamsOutbound: 0 })
  })

  it('should be asked for what handlers reserve', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { manager: toy } } })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    toy.maxMemory = 1000
    await connection.newStream(PROTOCOL)

    const stream = await inbox.next()
    const scope = getStreamScope(stream)

    scope.reserveMemory(800)
    expect(() => { scope.reserveMemory(300) }).to.throw('toy: too much memory').with.property('name', 'MemoryLimitExceededError')
    expect(toy.memory).to.equal(800)
    expect(scope.stat()).to.include({ memory: 800 })
    scope.releaseMemory(300)
    expect(toy.memory).to.equal(500)

    stream.abort(new Error('enough'))
    await eventually(() => toy.memory === 0, 'the end of the stream')
  })

  it('should be asked about nothing twice, and about nothing that is no request', async () => {
    // one of ours, which does not take the same service twice
    const own = createResourceManager({ limits: { service: { mail: { streams: 1 } } } })
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { manager: own, services: { mail: [PROTOCOL] } } } })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    await connection.newStream(PROTOCOL)

    const stream = await inbox.next()
    const scope = getStreamScope(stream)

    scope.setService('mail')
    expect(() => { scope.setService('other') }).to.throw('already attached to a service')
    expect(own.stat().services).to.have.property('mail').that.includes({ numStreamsInbound: 1 })

    const memory = (): number[] => [own, listener.services.resourceManager].map(manager => manager.stat().services.mail.memory)

    expect(() => { scope.reserveMemory(-1) }).to.throw('size')
    scope.reserveMemory(100)
    scope.releaseMemory(1000)
    scope.releaseMemory(1000)
    expect(memory()).to.deep.equal([0, 0])

    stream.abort(new Error('enough'))
    await eventually(() => own.stat().services.mail.numStreamsInbound === 0, 'the end of the stream')
    expect(() => { scope.reserveMemory(1) }).to.throw('closed')
    expect(own.stat().system).to.include({ memory: 0, numStreamsInbound: 0 })
  })

  it('should count only in a dry run', async () => {
    toy.maxStreams = 0

    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { manager: toy, enforce: false } } })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    await connection.newStream(PROTOCOL)
    await inbox.next()
    expect(listener.services.resourceManager.refusals().map(({ count }) => count)).to.deep.equal([1])
    expect(held(listener)[PROTOCOL]).to.deep.equal({ numStreamsInbound: 1 })
  })

  it('should not be told of memory that it has refused in a dry run', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { manager: toy, enforce: false } } })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    toy.maxMemory = 100
    await connection.newStream(PROTOCOL)

    const scope = getStreamScope(await inbox.next())

    scope.reserveMemory(80)
    scope.reserveMemory(50)
    expect(scope.stat().memory).to.equal(130)
    expect(toy.memory).to.equal(80)
    expect(listener.services.resourceManager.recentRefusals()[0]).to.include({ attempted: 50 })
    scope.releaseMemory(130)
    expect(toy.memory).to.equal(0)
  })

  it('should be one, and have no limits of ours beside it', async () => {
    for (const manager of [null, 1, 'toy', {}, { openConnection: () => {} }] as any[]) {
      const err = await rejection(nodes.create({ manager: { manager } }))

      expect(err.message).to.match(/^manager: expected an object with openConnection and openStream, got /)
    }

    for (const [option, value] of Object.entries({ limits: {}, profile: 'relay', maxMemory: '1GiB', maxConnections: 100, rateLimits: {}, fairness: {} })) {
      const err = await rejection(nodes.create({ manager: { manager: toy, [option]: value } }))

      expect(err.message).to.include(`${option}: expected nothing beside the option "manager"`)
    }

    expect(() => createResourceManager({ manager: toy })).to.throw('manager: expected a node that asks it')
    expect(() => resourceManager({ manager: toy })).to.not.throw()
    expect(toy).to.include({ connections: 0, streams: 0, running: false })
  })
})
