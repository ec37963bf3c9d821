import cluster from 'node:cluster'
import { EventEmitter } from 'node:events'
import { expect } from 'aegir/chai'
import delay from 'delay'
import { fleet, nodeCluster } from '../../src/fleet.ts'
import { eventually, rejection } from '../libp2p/fixtures/eventually.ts'
import { Worker } from './workers.ts'
import type { NodeClusterLike } from '../../src/fleet.ts'

const LIMITS = { limits: { system: { conns: 20 } } }

/**
 * Leases that end later than anybody waits: what others get before that was given back
 */
const LONG = { limits: { system: { conns: 4 } }, ttl: 120_000 }
const PATIENCE = 100_000

let fleets = 0

/**
 * The primary of all of these is one process: each test has fleets of its own
 */
function newFleet (): string {
  return `fleet-${fleets++}`
}

async function until (probe: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE

  while (!await probe()) {
    expect(Date.now(), `waited in vain for ${what}`).to.be.below(deadline)
    await delay(10)
  }
}

describe('fleet/cluster', function () {
  this.timeout(300_000)

  const workers: Worker[] = []
  let one: Worker
  let other: Worker

  before(async () => {
    nodeCluster(cluster)
    one = await forkWorker()
    other = await forkWorker()
  })

  after(async () => {
    await Promise.all(workers.map(async worker => worker.kill()))
  })

  async function forkWorker (fork = Worker.fork): Promise<Worker> {
    const worker = await fork()

    workers.push(worker)

    return worker
  }

  /**
   * Has a worker open what it can until it has opened so many
   */
  async function fillUp (worker: Worker, name: string, count: number): Promise<void> {
    let opened = 0

    await until(async () => {
      opened += await worker.ask('fill', name, count - opened)

      return opened === count
    }, `room for ${count} connections`)
  }

  async function untilBlocked (worker: Worker, name: string, count: number): Promise<void> {
    await until(async () => (await worker.ask('view', name)).blocked === count, `${count} blocks`)
  }

  it('should give workers a limit together, from the start', async () => {
    const name = newFleet()

    await one.ask('start', name, LIMITS)
    await other.ask('start', name, LIMITS)

    const { age, nodes, state } = await other.ask('view', name)

    expect({ nodes, state }).to.deep.equal({ nodes: 2, state: 'joined' })
    expect(age).to.be.below(Infinity)

    await fillUp(one, name, 20)
    expect(await one.ask('fill', name, 1)).to.equal(0)
    expect(await other.ask('fill', name, 1)).to.equal(0)
  })

  it('should have the room of a worker back as soon as its process is gone, and let another one in', async () => {
    const name = newFleet()
    const first = await forkWorker()

    await first.ask('start', name, LONG)
    await fillUp(first, name, 4)
    await other.ask('start', name, LONG)
    expect(await other.ask('fill', name, 1)).to.equal(0)

    await first.kill()
    await fillUp(other, name, 4)

    const next = await forkWorker()

    await next.ask('start', name, LONG)
    expect((await next.ask('view', name)).nodes).to.equal(2)
    await other.ask('stop', name)
    await fillUp(next, name, 4)
    await next.kill()
  })

  it('should have the room of a worker back that stops', async () => {
    const name = newFleet()

    await one.ask('start', name, LONG)
    await fillUp(one, name, 4)
    await other.ask('start', name, LONG)
    await one.ask('stop', name)
    await fillUp(other, name, 4)
  })

  it('should keep fleets apart', async () => {
    const [name, otherName] = [newFleet(), newFleet()]

    for (const worker of [one, other]) {
      await worker.ask('start', name, LIMITS)
      await worker.ask('start', otherName, { ...LIMITS, limits: { system: { conns: 5 } } })
    }

    await fillUp(one, name, 20)
    await fillUp(other, otherName, 5)
    expect(await other.ask('fill', name, 1)).to.equal(0)
    expect(await one.ask('fill', otherName, 1)).to.equal(0)

    await one.ask('block', name, '192.0.2.1')
    await untilBlocked(other, name, 1)
    expect((await other.ask('view', otherName)).blocked).to.equal(0)
  })

  it('should tell all workers what one decides, and the primary as well', async () => {
    const name = newFleet()
    const all = [one, other]
    const told: string[] = []
    const primary = nodeCluster(cluster)
    const channel = `{libp2p-rm:${name}}:changed`

    for (const worker of all) {
      await worker.ask('start', name, LIMITS)
    }

    await primary.subscribe(channel, message => { told.push(message) })
    await one.ask('block', name, '192.0.2.0/24')

    for (const worker of all) {
      await untilBlocked(worker, name, 1)
    }

    const { version } = await one.ask('view', name)

    await eventually(() => told.includes(String(version)), 'the message')
    await primary.unsubscribe(channel)
    await other.ask('block', name, '192.0.2.1')
    await untilBlocked(one, name, 2)
    expect(told).to.not.include(String(version + 1))
  })

  it('should leave alone what programs tell each other, and go on whatever they say', async () => {
    const name = newFleet()
    const type = 'libp2p-resource-manager/fleet'
    const heard: unknown[] = []

    await one.ask('start', name, LIMITS)
    await other.ask('start', name, LIMITS)
    other.process.on('message', (message: any) => { message?.mine === true && heard.push(message) })
    await other.ask('junk', [
      { mine: true, type: 'libp2p-resource-manager/fleet' },
      null, 0, '', 'text', [], {}, { type }, { type, call: 1 }, { type, call: {}, key: 'k', version: '1', script: 'sync', argument: '{}' },
      { type, call: 1e6, key: 'k', version: '1', script: 'sync', argument: 'no JSON' },
      { type, call: 1e6, key: 'k', version: '1', script: '__proto__', argument: '{}' },
      { type, call: 1e6, key: `{libp2p-rm:${name}}`, version: '2', script: 'sync', argument: '{}' },
      { type, call: 1e6, key: `{libp2p-rm:${name}}`, version: '1', script: 'sync', argument: '{"id":"x","seq":1,"ttl":600000,"policy":0,"sum":"","gone":[],"scopes":[["system",[[0,20,null,{},"20"]]]]}' },
      { type, channel: 'x', message: 'y' }
    ])
    await fillUp(one, name, 20)
    expect((await one.ask('view', name)).nodes).to.equal(2)
    expect(heard).to.deep.equal([{ mine: true, type }])
  })

  it('should go on with its share if the primary has no fleets', async () => {
    const name = newFleet()
    const worker = await forkWorker(Worker.forkOfNobody)

    await worker.ask('start', name, { limits: LIMITS.limits, ttl: 1_000, nodes: 4 })

    await until(async () => (await worker.ask('view', name)).error?.includes('has not answered within') === true, 'the end of its patience')
    expect((await worker.ask('view', name)).state).to.equal('joining')
    expect(await worker.ask('fill', name, 20)).to.equal(5)
    expect(await rejection(worker.ask('block', name, '192.0.2.1'))).to.have.property('message').that.includes('has not answered within')
    // what was never answered is not waited for forever, or no call would be made any more
    await until(async () => (await worker.ask('view', name)).failures > 0, 'the end of the first call')
    await worker.ask('stop', name)
  })

  it('should say that a worker is disconnected', async () => {
    const listening = new EventEmitter()
    const gone: NodeClusterLike = {
      isPrimary: false,
      worker: Object.assign(listening, { isConnected: () => false, send: () => { throw new Error('closed') } }),
      on: () => {}
    }
    const client = nodeCluster(gone)

    expect(client.problem?.()).to.equal('the worker is disconnected from its primary')
    expect(await rejection(client.run({ name: 'read', source: '' }, 'k', ['']))).to.have.property('message', 'the worker is disconnected from its primary')
  })

  it('should say what is no cluster', () => {
    for (const wrong of [undefined, null, {}, { on: () => {} }, { on: () => {}, isPrimary: false }, new EventEmitter()]) {
      expect(() => nodeCluster(wrong as any)).to.throw('node:cluster').with.property('name', 'InvalidParametersError')
    }

    expect(() => fleet({ client: cluster as any, name: 'test' })).to.throw('nodeCluster(cluster)').with.property('name', 'InvalidParametersError')
  })
})
