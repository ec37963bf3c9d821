import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Key } from 'interface-datastore/key'
import sinon from 'sinon'
import { decodeHistory, encodeHistory } from '../../src/sessions/history-record.ts'
import { SessionRegistry } from '../../src/sessions/registry.ts'
import { KEY, TestDatastore, settle, stopTime } from './fixtures.ts'
import type { Collector } from '../../src/sessions/collector.ts'
import type { SinonFakeTimers, SinonStub } from 'sinon'

const RECORD = '/test/sessions:a'
const ASIDE = '/test/sessions:a:damaged'

/**
 * Has a session that begins and ends
 */
function session (collector: Collector, bytes: number, peer: string = 'alice'): void {
  collector.registerAndActivate('session', '/ref', 'here', peer)
  collector.ingress('session', bytes)
  collector.unregister('session')
}

describe('sessions/persistence', () => {
  let time: SinonFakeTimers
  let datastore: TestDatastore
  let log: SinonStub

  beforeEach(() => {
    time = stopTime()
    datastore = new TestDatastore()
    log = sinon.stub()
  })

  afterEach(() => {
    time.restore()
  })

  function create (): SessionRegistry {
    return new SessionRegistry({ persistence: { datastore, key: KEY }, log: { error: log } as any })
  }

  function totalRxBytes (registry: SessionRegistry): number {
    return registry.summary('a').summary.totalRxBytes
  }

  it('should keep a history across restarts', async () => {
    for (let restart = 0; restart < 3; restart++) {
      const registry = create()
      const collector = registry.register('a')

      await registry.start()
      expect(totalRxBytes(registry)).to.equal(restart * 100)
      collector.registerAndActivate('session', '/ref', 'here', 'alice')
      collector.ingress('session', 100)
      await registry.stop()
    }

    expect(JSON.parse(datastore.text(RECORD) ?? '')).to.deep.equal({
      version: 2,
      sessions: [['here', 'alice', '/ref', 3, 300, 0]],
      peers: [],
      locations: [],
      references: [],
      evicted: [0, 0, 0, 0]
    })
    expect(log.callCount).to.equal(0)
  })

  it('should keep the histories of collectors apart', async () => {
    const first = create()

    session(first.register('a'), 1)
    session(first.register('b'), 2)
    await first.start()
    await first.stop()

    const second = create()

    second.register('a')
    second.register('b')
    second.register('c')
    await second.start()

    expect(['a', 'b', 'c'].map(id => second.summary(id).summary.totalRxBytes)).to.deep.equal([1, 2, 0])
  })

  it('should write what is new, at the interval', async () => {
    const registry = create()
    const collector = registry.register('a', { persistInterval: 10_000 })

    await registry.start()
    time.tick(60_000)
    await settle()
    expect(datastore.writes, 'nothing to write').to.equal(0)

    session(collector, 1)
    time.tick(1_000)
    await settle()
    expect(datastore.writes).to.equal(1)

    session(collector, 2)
    time.tick(9_000)
    await settle()
    expect(datastore.writes, 'too soon').to.equal(1)
    time.tick(1_000)
    await settle()
    expect(datastore.writes).to.equal(2)
    expect(datastore.text(RECORD)).to.include('["here","alice","/ref",2,3,0]')

    time.tick(60_000)
    await settle()
    expect(datastore.writes, 'nothing new to write').to.equal(2)
    expect(time.countTimers()).to.equal(0)
    await registry.stop()
    expect(datastore.writes, 'nothing new to write').to.equal(2)
  })

  it('should write once a minute by default', async () => {
    const registry = create()
    const collector = registry.register('a')

    await registry.start()
    session(collector, 1)
    time.tick(59_000)
    await settle()
    expect(datastore.writes).to.equal(0)
    time.tick(1_000)
    await settle()
    expect(datastore.writes).to.equal(1)
  })

  it('should write what timed out', async () => {
    const registry = create()
    const collector = registry.register('a', { persistInterval: 1_000 })

    await registry.start()
    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    time.tick(7_000)
    await settle()
    expect(datastore.writes).to.equal(1)
  })

  it('should write only at the end if the interval is 0', async () => {
    const registry = create()
    const collector = registry.register('a', { persistInterval: 0 })

    await registry.start()
    session(collector, 1)
    time.tick(600_000)
    await settle()
    expect(datastore.writes).to.equal(0)
    await registry.stop()
    expect(datastore.writes).to.equal(1)
  })

  it('should read the history of a collector that is registered later', async () => {
    datastore.setText(RECORD, '{"version":1,"sessions":[["here","alice","/ref",5,500,50]]}')

    const registry = create()

    await registry.start()
    registry.register('a')
    await settle()
    expect(totalRxBytes(registry)).to.equal(500)
  })

  it('should not write again before it has written', async () => {
    const registry = create()
    const collector = registry.register('a', { persistInterval: 1_000 })
    const { promise, resolve } = Promise.withResolvers<void>()

    await registry.start()
    datastore.hanging = promise

    for (let second = 0; second < 5; second++) {
      session(collector, 1)
      time.tick(1_000)
      await settle()
    }

    expect(datastore.writes).to.equal(0)
    resolve()
    await settle()
    expect(datastore.writes).to.equal(1)
    time.tick(1_000)
    await settle()
    expect(datastore.writes, 'what came in the meantime').to.equal(2)
    expect(datastore.text(RECORD)).to.include('["here","alice","/ref",5,5,0]')
  })

  it('should write when a collector is unregistered, and read when it is registered again', async () => {
    const registry = create()

    await registry.start()
    session(registry.register('a'), 100)

    // without waiting for what is being written
    const unregistered = registry.unregister('a')
    const collector = registry.register('a')

    session(collector, 10)
    await unregistered
    await registry.stop()

    expect(totalRxBytes(registry)).to.equal(110)
    expect(datastore.text(RECORD)).to.include('["here","alice","/ref",2,110,0]')
  })

  it('should add what is stored to what has happened before it was read', async () => {
    datastore.setText(RECORD, '{"version":1,"sessions":[["here","alice","/ref",5,500,50]]}')

    const registry = create()
    const collector = registry.register('a')

    session(collector, 1)

    const started = registry.start()

    session(collector, 2)
    await started
    expect(registry.summary('a').summary).to.include({ totalSessions: 7, totalRxBytes: 503, totalTxBytes: 50 })
    await registry.stop()
    expect(datastore.text(RECORD)).to.include('["here","alice","/ref",7,503,50]')
  })

  it('should not read twice, or write what it has just read', async () => {
    datastore.setText(RECORD, '{"version":1,"sessions":[["here","alice","/ref",5,500,50]]}')

    const registry = create()

    registry.register('a')
    await registry.start()
    await registry.stop()
    await registry.start()
    await registry.start()
    expect(totalRxBytes(registry)).to.equal(500)
    await registry.stop()
    expect(datastore.writes).to.equal(0)
  })

  it('should keep the sums of what is stored where there may be fewer names now', async () => {
    const before = create()
    const collector = before.register('a')

    session(collector, 1, 'alice')
    session(collector, 2, 'bob')
    session(collector, 4, 'carol')
    await before.stop()

    for (let restart = 1; restart <= 2; restart++) {
      const registry = create()

      session(registry.register('a', { maxHistory: 1 }), 8, 'alice')
      await registry.start()
      await registry.stop()

      const { evicted, peers, locations, totalRxBytes } = registry.summary('a').summary

      // the latest is the one that has come back
      expect(peers).to.have.all.keys('alice', 'other')
      expect([peers.alice.totalRxBytes, peers.other.totalRxBytes]).to.deep.equal([8 * restart, 7])
      expect(locations.here.totalRxBytes).to.equal(totalRxBytes)
      expect(evicted).to.deep.equal({ combinations: 3, peers: 3, locations: 0, references: 0 })
    }
  })

  it('should read what earlier releases have written, full of names', async () => {
    const rows = [['other', 'other', 'other', 7, 700, 70]]

    for (let i = 0; i < 2_048; i++) {
      rows.push([`/ip4/192.0.2.1/tcp/${10_000 + i}`, 'alice', '/ref', 1, 10, 1] as any)
    }

    datastore.setText(RECORD, JSON.stringify({ version: 1, sessions: rows }))

    const registry = create()

    session(registry.register('a'), 1, 'bob')
    await registry.start()

    const { peers, references, totalRxBytes } = registry.summary('a').summary

    expect(totalRxBytes).to.equal(21_181)
    expect(peers.alice).to.include({ totalSessions: 2_048, totalRxBytes: 20_480 })
    expect(peers.bob, 'whoever comes later').to.include({ totalSessions: 1, totalRxBytes: 1 })
    expect(peers.other).to.include({ totalSessions: 7, totalRxBytes: 700, totalTxBytes: 70 })
    expect(references['/ref']).to.include({ totalSessions: 2_049 })
    expect(log.callCount).to.equal(0)
    await registry.stop()
    expect(JSON.parse(datastore.text(RECORD) ?? '')).to.include({ version: 2 })
  })

  describe('under another key', () => {
    const FORMER = '/former:a'
    const TEXT = '{"version":1,"sessions":[["here","alice","/ref",5,500,50]]}'

    function createMoved (): SessionRegistry {
      return new SessionRegistry({ persistence: { datastore, key: KEY, formerKey: new Key('/former') }, log: { error: log } as any })
    }

    it('should be moved once', async () => {
      datastore.setText(FORMER, TEXT)

      const registry = createMoved()

      registry.register('a')
      await registry.start()
      expect(totalRxBytes(registry)).to.equal(500)
      expect([datastore.text(FORMER), datastore.text(RECORD)]).to.deep.equal([undefined, TEXT])

      const second = createMoved()

      second.register('a')
      await second.start()
      expect(totalRxBytes(second)).to.equal(500)
    })

    it('should be left alone where there is one under the key', async () => {
      datastore.setText(FORMER, TEXT)
      datastore.setText(RECORD, '{"version":1,"sessions":[]}')

      const registry = createMoved()

      registry.register('a')
      await registry.start()
      expect(totalRxBytes(registry)).to.equal(0)
      expect(datastore.text(FORMER)).to.equal(TEXT)
    })

    it('should not be lost where it cannot be written', async () => {
      datastore.setText(FORMER, TEXT)
      datastore.failing = 'put'

      const registry = createMoved()

      session(registry.register('a'), 1)
      await registry.start()
      expect(datastore.text(FORMER)).to.equal(TEXT)

      datastore.failing = undefined
      await registry.stop()
      expect(datastore.text(RECORD)).to.include('["here","alice","/ref",6,501,50]')
      expect(datastore.text(FORMER)).to.equal(undefined)
    })

    it('should be a key', () => {
      expect(() => new SessionRegistry({ persistence: { datastore, key: KEY, formerKey: '/former' as any } })).to.throw('persistence.formerKey')
        .with.property('name', 'InvalidParametersError')
    })
  })

  describe('damage', () => {
    const damaged = {
      'no JSON': '{"version":1,"sess',
      nothing: '',
      'another version': '{"version":3,"sessions":[]}',
      'no peers': '{"version":2,"sessions":[],"locations":[],"references":[],"evicted":[0,0,0,0]}',
      'a peer without a number': '{"version":2,"sessions":[],"peers":[["alice",1,2]],"locations":[],"references":[],"evicted":[0,0,0,0]}',
      'too few that have given way': '{"version":2,"sessions":[],"peers":[],"locations":[],"references":[],"evicted":[0,0,0]}',
      'nothing about what has given way': '{"version":2,"sessions":[],"peers":[],"locations":[],"references":[]}',
      'no version': '{"sessions":[]}',
      'no object': 'null',
      'no sessions': '{"version":1}',
      'sessions that are no list': '{"version":1,"sessions":{}}',
      'an entry that is no list': '{"version":1,"sessions":[{}]}',
      'an entry that is too short': '{"version":1,"sessions":[["here","alice","/ref",1,2]]}',
      'a name that is no text': '{"version":1,"sessions":[["here",null,"/ref",1,2,3]]}',
      'a negative number': '{"version":1,"sessions":[["here","alice","/ref",1,-2,3]]}',
      'a number that is not whole': '{"version":1,"sessions":[["here","alice","/ref",1,2,1e400]]}'
    }

    async function expectSetAside (text: string): Promise<void> {
      datastore.setText(RECORD, text)

      const registry = create()
      const collector = registry.register('a')

      await registry.start()
      expect(log.callCount).to.equal(1)
      expect(log.firstCall.args.join('')).to.match(/history of collector a is damaged: ((sessions|peers)\[0\]: |evicted: )?expected .*, it was set aside as/)
      expect(log.firstCall.args.join('')).to.include(ASIDE)
      expect(datastore.text(ASIDE)).to.equal(text)
      expect(totalRxBytes(registry)).to.equal(0)

      session(collector, 1)
      await registry.stop()
      expect(datastore.text(RECORD)).to.include('["here","alice","/ref",1,1,0]')
      expect(datastore.text(ASIDE)).to.equal(text)
    }

    for (const [name, text] of Object.entries(damaged)) {
      it(`should set a record aside and go on: ${name}`, async () => expectSetAside(text))
    }

    it('should take text that is not UTF-8 for damaged', async () => {
      datastore.records.set(RECORD, Uint8Array.from([0x22, 0xff, 0x22]))

      const registry = create()

      registry.register('a')
      await registry.start()
      expect(datastore.records.get(ASIDE)).to.deep.equal(Uint8Array.from([0x22, 0xff, 0x22]))
    })
  })

  describe('failures of the datastore', () => {
    async function expectNotOverwritten (operation: 'has' | 'get'): Promise<void> {
      datastore.setText(RECORD, '{"version":1,"sessions":[["here","alice","/ref",5,500,50]]}')
      datastore.failing = operation

      const registry = create()
      const collector = registry.register('a', { persistInterval: 20_000 })

      await registry.start()
      expect(log.firstCall.args.join('')).to.include(`history of collector a was not read or written: Error: cannot ${operation}`)

      session(collector, 1)
      time.tick(20_000)
      await settle()
      expect(datastore.writes).to.equal(0)
      expect(log.callCount).to.equal(2)

      datastore.failing = undefined
      time.tick(20_000)
      await settle()
      expect(totalRxBytes(registry)).to.equal(501)
      expect(datastore.text(RECORD)).to.include('["here","alice","/ref",6,501,50]')
    }

    it('should start, and not overwrite what it could not look up', async () => expectNotOverwritten('has'))

    it('should start, and not overwrite what it could not read', async () => expectNotOverwritten('get'))

    it('should try again to write', async () => {
      const registry = create()
      const collector = registry.register('a', { persistInterval: 1_000 })

      await registry.start()
      datastore.failing = 'put'
      session(collector, 1)
      time.tick(1_000)
      await settle()
      expect(log.callCount).to.equal(1)

      datastore.failing = undefined
      time.tick(1_000)
      await settle()
      expect(datastore.writes).to.equal(1)
    })

    it('should not lose a damaged record that it cannot set aside', async () => {
      datastore.setText(RECORD, 'damaged')
      datastore.failing = 'put'

      const registry = create()

      session(registry.register('a'), 1)
      await registry.start()
      expect(datastore.text(RECORD)).to.equal('damaged')

      datastore.failing = undefined
      await registry.stop()
      expect(datastore.text(ASIDE)).to.equal('damaged')
      expect(datastore.text(RECORD)).to.include('["here","alice","/ref",1,1,0]')
    })

    it('should stop, and not flood the log', async () => {
      datastore.failing = 'put'

      const registry = create()
      const collector = registry.register('a', { persistInterval: 1_000 })

      await registry.start()

      for (let second = 0; second < 60; second++) {
        session(collector, 1)
        time.tick(1_000)
        await settle()
      }

      await registry.stop()
      expect(log.callCount).to.be.within(1, 7)
    })
  })

  it('should work without a log', async () => {
    const registry = new SessionRegistry({ persistence: { datastore, key: KEY } })

    datastore.failing = 'has'
    registry.register('a')
    await registry.start()
    await registry.stop()
  })

  it('should read back what it has written', () => {
    const name = fc.string({ unit: 'binary' })
    const number = fc.maxSafeNat()
    const stats = { totalSessions: number, totalRxBytes: number, totalTxBytes: number }
    const combinations = fc.array(fc.record({ location: name, peer: name, reference: name, ...stats }), { maxLength: 5 })
    const sums = fc.array(fc.tuple(name, fc.record(stats)), { maxLength: 3 })
    const evicted = fc.record({ combinations: number, peers: number, locations: number, references: number })

    fc.assert(fc.property(fc.record({ combinations, peers: sums, locations: sums, references: sums, evicted }, { noNullPrototype: true }), record => {
      expect(decodeHistory(encodeHistory(record))).to.deep.equal(record)
    }))
  })
})
