import cluster from 'node:cluster'
import { EventEmitter } from 'node:events'
import { expect } from 'aegir/chai'
import { SCRIPTS } from '../../src/fleet/scripts.ts'
import { fleet, nodeCluster } from '../../src/fleet.ts'
import { createResourceManager } from '../../src/index.ts'
import { eventually, rejection } from '../libp2p/fixtures/eventually.ts'
import { fill, readUntil } from './fixtures.ts'
import { Worker } from './workers.ts'
import type { Fleet, FleetClient, NodeClusterLike, NodeClusterWorker } from '../../src/fleet.ts'
import type { ResourceManager } from '../../src/index.ts'

/**
 * Leases that end later than anybody waits: what others get before that was given back
 */
const TTL = 60_000
const PATIENCE = 50_000

/** Of a call that nobody hears: it is made again and again, and so one of them may be late */
const TIMEOUT = 1_000
const LIMITS = { system: { conns: 4 } }

let fleets = 0

/**
 * Both ends of a cluster in this process: messages are copied as between processes, and come later
 */
class Pair {
  readonly primary: NodeClusterLike & EventEmitter = Object.assign(new EventEmitter(), { isPrimary: true })
  readonly worker: NodeClusterLike
  readonly #ends: { primary: EventEmitter & NodeClusterWorker, worker: EventEmitter & NodeClusterWorker }

  /** Calls that the primary has had */
  calls = 0
  connected = true

  constructor () {
    const send = (deliver: (message: unknown) => void) => (message: unknown, callback?: (err: Error | null) => void): void => {
      const text = JSON.stringify(message)

      setImmediate(() => {
        callback?.(this.connected ? null : new Error('closed'))
        this.connected && deliver(JSON.parse(text))
      })
    }
    const isConnected = (): boolean => this.connected
    const primary = Object.assign(new EventEmitter(), { isConnected, send: send(message => worker.emit('message', message)) })
    const worker = Object.assign(new EventEmitter(), {
      isConnected,
      send: send(message => {
        this.calls++
        this.primary.emit('message', primary, message)
      })
    })

    this.#ends = { primary, worker }
    this.worker = { isPrimary: false, worker, on: () => {} }
  }

  /** The process of the worker has ended */
  end (): void {
    this.connected = false
    this.primary.emit('exit', this.#ends.primary)
  }

  get listeners (): number {
    return this.#ends.worker.listenerCount('message')
  }
}

interface Member {
  link: Fleet
  manager: ResourceManager
}

describe('fleet/node-cluster, with several in one process', function () {
  this.timeout(300_000)

  const members: Member[] = []
  const workers: Worker[] = []
  let pair: Pair

  beforeEach(() => {
    pair = new Pair()
  })

  afterEach(async () => {
    await Promise.all(members.splice(0).map(async ({ manager }) => manager.stop()))
    await Promise.all(workers.splice(0).map(async worker => worker.kill()))
  })

  async function start (client: FleetClient, name: string): Promise<Member> {
    const link = fleet({ client, name, ttl: TTL, limits: LIMITS })
    const manager = createResourceManager({ fleet: link, rateLimits: false, warnings: false })
    const member = { link, manager }

    members.push(member)
    await manager.start()

    return member
  }

  async function read (client: FleetClient, name: string): Promise<{ nodes: Array<{ id: string }>, policy: number }> {
    const answer = JSON.parse(String(await client.run(SCRIPTS.read, `{libp2p-rm:${name}}`, ['nodes'])))

    return { ...answer, nodes: Array.isArray(answer.nodes) ? answer.nodes : [] }
  }

  /** All of the limit, as it comes */
  async function fillUp ({ manager }: Member, count: number): Promise<void> {
    let opened = 0

    await eventually(() => {
      opened += fill(manager, count - opened).length

      return opened === count
    }, `room for ${count}`, PATIENCE)
  }

  it('should share one connection to the primary, however often it is called', async () => {
    nodeCluster(pair.primary)
    nodeCluster(pair.primary)
    expect(pair.primary.listenerCount('message')).to.equal(1)
    expect(pair.primary.listenerCount('exit')).to.equal(1)

    const clients = [nodeCluster(pair.worker), nodeCluster(pair.worker), nodeCluster(pair.worker)]

    expect(pair.listeners).to.equal(1)

    // each has the answer to what it has asked
    await clients[0].run(SCRIPTS.decide, '{libp2p-rm:a}', [JSON.stringify({ policy: 0, next: 7, text: '{}' })])

    const answers = await Promise.all([['a', 0], ['b', 1], ['a', 2]].map(async ([name, i]) => read(clients[Number(i)], String(name))))

    expect(answers.map(({ policy }) => policy)).to.deep.equal([7, 0, 7])
    expect(pair.calls).to.equal(4)
  })

  it('should tell everybody who listens, and nobody any more who has ended that, in any order', async () => {
    nodeCluster(pair.primary)

    const [one, other] = [nodeCluster(pair.worker), nodeCluster(pair.worker)]
    const heard: string[] = []
    const listeners = ['a', 'b', 'c'].map(name => (message: string) => { heard.push(`${name}${message}`) })
    let version = 0
    const decide = async (): Promise<string[]> => {
      heard.length = 0
      await one.run(SCRIPTS.decide, 'k', [JSON.stringify({ policy: version, next: ++version, text: '{}' })])
      // the primary answers after it has told everybody
      return [...heard].sort()
    }

    // who has not listened has nothing to end
    await one.unsubscribe('k:changed')
    await one.unsubscribe('k:changed', listeners[0])
    await one.subscribe('k:changed', listeners[0])
    await one.subscribe('k:changed', listeners[1])
    await other.subscribe('k:changed', listeners[2])
    await other.subscribe('other:changed', listeners[0])
    expect(await decide()).to.deep.equal(['a1', 'b1', 'c1'])

    // somebody else's listener, and one's own, twice
    await other.unsubscribe('k:changed', listeners[0])
    expect(await decide()).to.deep.equal(['a2', 'b2', 'c2'])
    await one.unsubscribe('k:changed', listeners[0])
    await one.unsubscribe('k:changed', listeners[0])
    expect(await decide()).to.deep.equal(['b3', 'c3'])

    // all of a client, and none of the other one
    await one.unsubscribe('k:changed')
    expect(await decide()).to.deep.equal(['c4'])
    await other.unsubscribe('k:changed', listeners[2])
    expect(await decide()).to.deep.equal([])
    await one.subscribe('k:changed', listeners[1])
    expect(await decide()).to.deep.equal(['b6'])
  })

  it('should tell the others where somebody ends it in the middle of a message', async () => {
    nodeCluster(pair.primary)

    const clients = [nodeCluster(pair.worker), nodeCluster(pair.worker)]
    const heard: string[] = []

    for (const [i, client] of clients.entries()) {
      const listener = (): void => {
        heard.push(`first of ${i}`)
        void client.unsubscribe('k:changed', listener)
      }

      await client.subscribe('k:changed', listener)
      await client.subscribe('k:changed', () => { heard.push(`second of ${i}`) })
    }

    await clients[0].run(SCRIPTS.decide, 'k', [JSON.stringify({ policy: 0, next: 1, text: '{}' })])
    expect(heard.sort()).to.deep.equal(['first of 0', 'first of 1', 'second of 0', 'second of 1'])
    heard.length = 0
    await clients[1].run(SCRIPTS.decide, 'k', [JSON.stringify({ policy: 1, next: 2, text: '{}' })])
    expect(heard.sort()).to.deep.equal(['second of 0', 'second of 1'])
  })

  it('should go on with one fleet of a process when the other one stops', async () => {
    nodeCluster(pair.primary)

    const one = await start(nodeCluster(pair.worker), 'one')
    const other = await start(nodeCluster(pair.worker), 'other')

    await fillUp(one, 4)
    await fillUp(other, 4)
    await one.link.block('192.0.2.1')
    await other.link.block('192.0.2.2')
    expect([one.link.view().blocked, other.link.view().blocked]).to.deep.equal([1, 1])
    await one.manager.stop()
    await one.manager.stop()
    expect(one.link.view().state).to.equal('stopped')
    expect((await read(nodeCluster(pair.worker), 'one')).nodes).to.have.lengthOf(0)
    expect((await read(nodeCluster(pair.worker), 'other')).nodes).to.have.lengthOf(1)
    await other.link.block('192.0.2.3')
    expect(other.link.view()).to.include({ state: 'joined', blocked: 2 })
    expect(fill(other.manager, 1)).to.have.lengthOf(0)
  })

  async function twoOfOne (shared: boolean): Promise<void> {
    nodeCluster(pair.primary)

    const client = nodeCluster(pair.worker)
    const one = await start(client, 'both')

    // before the other one has something ready
    await fillUp(one, 4)

    const other = await start(shared ? client : nodeCluster(pair.worker), 'both')

    expect(other.link.view().nodes).to.equal(2)
    expect(fill(other.manager, 1)).to.have.lengthOf(0)
    await one.link.block('192.0.2.1')
    await eventually(() => other.link.view().blocked === 1, 'the block')

    // what it had is free, and the other one still hears what is decided
    await one.manager.stop()
    await fillUp(other, 4)

    const third = await start(client, 'both')

    await third.link.block('192.0.2.2')
    await eventually(() => other.link.view().blocked === 2, 'the other block')
    expect(await rejection(Promise.resolve(createResourceManager({ fleet: other.link }).start()))).to.have.property('message').that.includes('one for each node')
  }

  it('should have two nodes of one fleet in a process, with one client', async () => { await twoOfOne(true) })

  it('should have two nodes of one fleet in a process, with a client each', async () => { await twoOfOne(false) })

  it('should be left by both fleets of a worker when its process ends', async () => {
    nodeCluster(pair.primary)

    const own = nodeCluster(pair.primary)
    const inPrimary = await start(own, 'one')

    await fillUp(await start(nodeCluster(pair.worker), 'other'), 4)
    await start(nodeCluster(pair.worker), 'one')
    expect((await read(own, 'one')).nodes).to.have.lengthOf(2)
    expect((await read(own, 'other')).nodes).to.have.lengthOf(1)
    pair.end()
    expect((await read(own, 'one')).nodes).to.have.lengthOf(1)
    expect((await read(own, 'other')).nodes).to.have.lengthOf(0)
    // the primary has not ended
    expect(inPrimary.link.view().state).to.equal('joined')
    expect(nodeCluster(pair.worker).problem?.()).to.include('disconnected')

    const next = await start(own, 'other')

    await fillUp(next, 4)
  })

  it('should reject what is under way when a worker ends, and nothing of others', async () => {
    nodeCluster(pair.primary)

    const [client, own] = [nodeCluster(pair.worker), nodeCluster(pair.primary)]
    const called = [rejection(client.run(SCRIPTS.read, 'k', [''])), rejection(nodeCluster(pair.worker).run(SCRIPTS.read, 'k', ['']))]

    pair.end()

    for (const error of await Promise.all(called)) {
      expect(error).to.have.property('message', 'closed')
    }

    expect(await rejection(client.run(SCRIPTS.read, 'k', ['']))).to.have.property('message').that.includes('disconnected')
    expect(JSON.parse(String(await own.run(SCRIPTS.read, 'k', [''])))).to.include({ status: 'ok' })
  })

  it('should join when the primary calls it later than the worker', async () => {
    // nobody hears the first calls
    const link = fleet({ client: nodeCluster(pair.worker), name: 'late', ttl: TTL, timeout: TIMEOUT, nodes: 1, limits: LIMITS })
    const manager = createResourceManager({ fleet: link, rateLimits: false, warnings: false })

    members.push({ link, manager })
    await manager.start()
    expect(link.view()).to.include({ state: 'joining', nodes: 1 })
    expect(fill(manager, 9)).to.have.lengthOf(4)
    nodeCluster(pair.primary)
    await link.ready(PATIENCE)
    expect(link.view()).to.include({ state: 'joined', nodes: 1 })
    expect((await read(nodeCluster(pair.worker), 'late')).nodes).to.have.lengthOf(1)
    expect(fill(manager, 1)).to.have.lengthOf(0)
  })

  it('should have two fleets and two nodes of one of them in a real worker, and lose all of them with it', async () => {
    nodeCluster(cluster)

    const [name, otherName] = [`several-${fleets++}`, `several-${fleets++}`]
    const [one, two] = await Promise.all([Worker.fork(), Worker.fork()])
    const init = { ttl: TTL, limits: LIMITS }
    const own = nodeCluster(cluster)

    workers.push(one, two)

    let opened = 0

    await one.ask('start', name, init, { as: 'second' })
    // before others have something ready
    await readUntil(async () => { opened += await one.ask('fill', 'second', 4 - opened) }, () => opened === 4, 'all of the limit')
    await one.ask('start', name, init)
    await one.ask('start', otherName, init)
    await two.ask('start', name, init)
    await two.ask('start', otherName, init)
    expect((await two.ask('view', name)).nodes).to.equal(3)
    expect((await two.ask('view', otherName)).nodes).to.equal(2)
    expect([await one.ask('fill', name, 1), await two.ask('fill', name, 1)]).to.deep.equal([0, 0])
    await two.ask('block', name, '192.0.2.1')
    await readUntil(async () => Promise.all([name, 'second', otherName].map(async as => (await one.ask('view', as)).blocked)), blocked => String(blocked) === '1,1,0', 'the block')

    // in the middle of what another one does
    await Promise.all([one.ask('stop', 'second'), one.ask('block', name, '192.0.2.2'), two.ask('block', otherName, '192.0.2.3')])
    await readUntil(async () => one.ask('view', name), ({ blocked, state }) => blocked === 2 && state === 'joined', 'the other block')
    opened = 0
    await readUntil(async () => {
      opened += await one.ask('fill', name, 1)
      opened += await two.ask('fill', name, 1)
      expect(opened).to.be.at.most(4)
    }, () => opened === 4, 'the room of the one that has stopped')
    expect((await read(own, name)).nodes).to.have.lengthOf(2)

    await one.kill()
    await readUntil(async () => [(await read(own, name)).nodes.length, (await read(own, otherName)).nodes.length], left => String(left) === '1,1', 'the end of both')
  })
})
