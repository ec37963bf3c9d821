import { expect } from 'aegir/chai'
import { createResourceManager, getStreamScope } from '../../src/index.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'

describe('holders', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should list what holds most memory or streams, largest first', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { baseCosts: { connection: 100, stream: 10 }, services: { mail: [PROTOCOL] } } }
    })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)
    const { resourceManager } = listener.services

    await connection.newStream(PROTOCOL)
    const small = await inbox.next()
    await connection.newStream(PROTOCOL)
    const large = await inbox.next()
    getStreamScope(large).reserveMemory(1000)

    const holders = resourceManager.holders()
    expect(holders.map(({ memory }) => memory)).to.deep.equal([1010, 100, 10])

    const peer = dialer.peerId.toString()
    expect(holders[0]).to.include({ scope: getStreamScope(large).name, direction: 'inbound', peer, protocol: PROTOCOL, service: 'mail', streams: 1 })
    expect(holders[0].age).to.be.at.least(0)
    expect(holders[1]).to.include({ direction: 'inbound', peer, streams: 2 }).and.to.have.property('address').that.is.a('string')
    expect(holders[2]).to.include({ scope: getStreamScope(small).name })

    expect(resourceManager.holders({ top: 1 })).to.have.lengthOf(1)
    expect(resourceManager.holders({ resource: 'stream' }).map(({ streams }) => streams)).to.deep.equal([2])
    expect(JSON.parse(JSON.stringify(holders))[0]).to.include({ peer })

    await connection.close()
    await eventuallyHeld(listener, {})
    expect(resourceManager.holders()).to.deep.equal([])
  })

  it('should be empty without a node, and name the option that cannot be used', () => {
    const manager = createResourceManager()

    expect(manager.holders()).to.deep.equal([])
    expect(() => manager.holders({ top: 0 })).to.throw('top: expected a whole number from 1 on, got 0').with.property('name', 'InvalidParametersError')
    expect(() => manager.holders({ resource: 'fd' as any })).to.throw('resource: expected "memory" or "stream", got "fd"')
  })
})
