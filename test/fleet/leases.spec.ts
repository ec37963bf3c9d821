import { expect } from 'aegir/chai'
import { Leases } from '../../src/fleet/leases.ts'
import { atOnce } from '../../src/util/slices.ts'
import type { LeasedScope } from '../../src/fleet/lease.ts'
import type { LeaseRequest } from '../../src/fleet/leases.ts'

const CONNS = 3

class TestScope implements LeasedScope {
  readonly key: string
  readonly ahead: boolean
  holds = 0
  room = -1
  ended = 0

  constructor (key: string, ahead = false) {
    this.key = key
    this.ahead = ahead
  }

  held (): number {
    return this.holds
  }

  setRoom (_: number, room: number): void {
    this.room = room
  }

  giveWay (_: number, to: number): void {
    this.ended += this.holds - to
    this.holds = to
  }
}

/**
 * An engine that gives everybody what it wants, or less
 */
function answer (leases: Leases, request: LeaseRequest, most = Infinity): void {
  leases.answered(request, {
    status: 'ok',
    nodes: 2,
    grants: request.scopes.map(([, fields]) => fields.map(([, , , , want]) => Math.min(want, most))),
    free: request.scopes.map(([, fields]) => fields.map(([, limit]) => limit)),
    others: request.scopes.map(([, fields]) => fields.map(() => 0))
  })
}

function keysOf ({ scopes }: LeaseRequest): string[] {
  return scopes.map(([key]) => key)
}

function scan (leases: Leases): void {
  atOnce(slice => leases.scan(slice))
}

describe('fleet/leases', () => {
  it('should keep what was leased of a peer that comes back between two calls', () => {
    const leases = new Leases(0, 'refuse', 2)
    const first = new TestScope('peer:a')

    first.holds = 3
    leases.add(first, [[CONNS, 10]])
    answer(leases, leases.request(0, 0))

    const leased = first.room

    expect(leased).to.be.above(0)
    leases.remove(first)

    const second = new TestScope('peer:a')

    second.holds = 1
    leases.add(second, [[CONNS, 10]])
    expect(second.room).to.equal(leased)

    const request = leases.request(0, 0)

    // it is asked for, and not given back by the way
    expect(keysOf(request)).to.deep.equal(['peer:a'])
    expect(request.gone).to.deep.equal([])
    answer(leases, request)
    expect(second.room).to.be.above(0)
  })

  it('should not keep what the engine may have been told to forget', () => {
    const leases = new Leases(0, 'refuse', 2)
    const first = new TestScope('peer:a')

    leases.add(first, [[CONNS, 10]])
    answer(leases, leases.request(0, 0))
    leases.remove(first)
    expect(leases.request(0, 0).gone).to.deep.equal(['peer:a'])

    const second = new TestScope('peer:a')

    leases.add(second, [[CONNS, 10]])
    expect(second.room).to.equal(0)
  })

  it('should ask for all in turn, however many there are and whoever does not fit', () => {
    const leases = new Leases(0, 'refuse', 2)
    const scopes = Array.from({ length: 1_000 }, (_, i) => new TestScope(`peer:${i}`))
    const asked = new Set<string>()

    scopes.forEach(scope => { leases.add(scope, [[CONNS, 10]]) })

    for (let calls = 0; asked.size < scopes.length; calls++) {
      const request = leases.request(0, 0)

      expect(calls).to.be.below(4)
      expect(request.scopes.length).to.be.at.most(256)
      keysOf(request).forEach(key => asked.add(key))
      answer(leases, request, 0)
      // these always want more
      scopes.slice(0, 300).forEach(({ key }) => { leases.short(key, CONNS) })
    }

    expect(leases.due).to.equal(true)
  })

  it('should ask for what has changed only', () => {
    const leases = new Leases(0.1, 'refuse', 2)
    const system = new TestScope('system', true)
    const peers = Array.from({ length: 5 }, (_, i) => new TestScope(`peer:${i}`))

    for (const scope of [system, ...peers]) {
      leases.add(scope, [[CONNS, 100]])
    }

    answer(leases, leases.request(0, 0))
    expect(leases.due).to.equal(false)
    expect(keysOf(leases.request(0, 0))).to.deep.equal([])

    peers[3].holds = 2
    leases.short('peer:4', CONNS)
    expect(keysOf(leases.request(0, 0))).to.deep.equal(['peer:4'])
    scan(leases)
    expect(keysOf(leases.request(0, 0)).sort()).to.deep.equal(['peer:3', 'system'])
    scan(leases)
    expect(keysOf(leases.request(0, 0))).to.deep.equal(['system'])
    leases.askAgain()
    expect(leases.request(0, 0).scopes).to.have.lengthOf(6)
    leases.remove(peers[0])
    leases.askAgain()
    expect(leases.request(0, 0).scopes).to.have.lengthOf(5)
  })

  it('should use what it has before it asks for more', () => {
    const leases = new Leases(0, 'refuse', 1)
    const system = new TestScope('system', true)

    leases.add(system, [[CONNS, 100]])
    answer(leases, leases.request(0, 0))

    const visible = system.room

    expect(leases.short('system', CONNS)).to.equal(true)
    expect(system.room).to.be.above(visible)
    expect(leases.short('system', CONNS)).to.equal(false)
    expect(leases.short('peer:nobody', CONNS)).to.equal(false)
    expect(leases.short('system', CONNS + 1)).to.equal(false)
  })

  it('should halve spare room that is not needed once in a quarter of a ttl, however often it asks for others', () => {
    const TTL = 4_000
    const leases = new Leases(0, 'refuse', 2)

    leases.add(new TestScope('system', true), [[CONNS, 1_000]])

    const ask = (now: number): number => {
      scan(leases)

      const request = leases.request(now, TTL)

      answer(leases, request)

      return request.scopes[0][1][0][4]
    }
    const base = ask(0)

    for (const times of [2, 4]) {
      leases.short('system', CONNS)
      expect(ask(100)).to.equal(times * base)
    }

    // something else is short all the time
    for (let now = 150; now < 1_000; now += 50) {
      expect(ask(now), String(now)).to.equal(4 * base)
    }

    for (let now = 1_100; now < 1_950; now += 50) {
      expect(ask(now), String(now)).to.equal(2 * base)
    }

    // a timer that is a little early does not put it off
    expect(ask(2_095)).to.equal(base)
    expect(ask(3_095)).to.equal(base)
  })

  it('should end what is too much, and no more', () => {
    const leases = new Leases(0.5, 'refuse', 2)
    const peer = new TestScope('peer:a')

    leases.add(peer, [[CONNS, 4]])
    peer.holds = 2

    const request = leases.request(0, 0)

    // the others hold three of the four
    leases.answered(request, { status: 'ok', nodes: 2, grants: [[1]], free: [[0]], others: [[3]] })
    expect(peer).to.include({ holds: 1, ended: 1 })
    leases.answered(request, { status: 'ok', nodes: 2, grants: [[1]], free: [[0]], others: [[3]] })
    expect(peer).to.include({ holds: 1, ended: 1 })
  })

  it('should take what is no answer for nothing', () => {
    const leases = new Leases(0, 'refuse', 2)
    const peer = new TestScope('peer:a')

    leases.add(peer, [[CONNS, 4]])

    for (const grants of [undefined, {}, [], [[]], [['2']], [[-1]], [[NaN]], [null]] as any[]) {
      leases.answered({ gone: [], scopes: [['peer:a', [[CONNS, 4, 0, 0, 4]]]] }, { status: 'ok', nodes: 'many' as any, grants })
      expect(peer.room).to.equal(0)
      expect(leases.nodes).to.equal(1)
    }
  })

  it('should have what it is told to when the leases have ended', () => {
    for (const [onLoss, ahead, other] of [['share', 25, 25], ['refuse', 0, 0], ['local', Infinity, Infinity]] as const) {
      const leases = new Leases(0.1, onLoss, 4)
      const scopes = [new TestScope('system', true), new TestScope('peer:a')]

      scopes.forEach(scope => { leases.add(scope, [[CONNS, 100]]) })
      leases.answered(leases.request(0, 0), { status: 'ok', nodes: 4, grants: [[40], [30]], free: [[0], [0]], others: [[0], [0]] })
      leases.lose()
      expect(leases.lost).to.equal(true)
      expect(scopes.map(({ room }) => room)).to.deep.equal([ahead, other])
      leases.lose()
      expect(scopes.map(({ room }) => room)).to.deep.equal([ahead, other])
      expect(leases.due).to.equal(true)
    }
  })
})
