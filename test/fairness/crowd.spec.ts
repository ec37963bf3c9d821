import { expect } from 'aegir/chai'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import { Random } from '../attacks/framework/random.ts'
import { FairWorld } from './fixtures.ts'

const PROTOCOL = '/test/1.0.0'

/**
 * Steps of a tenth of a second
 */
const STEPS = 600
const STEP = 100

/**
 * Everybody is honest, and there is not enough for all of them: nobody must lose what they
 * have, because those who come hold no less than those who are there
 */
describe('an honest crowd', () => {
  it('should lose nothing when 300 peers of 300 networks want 200 slots for a minute', () => {
    const random = new Random(1)
    const world = new FairWorld({ limits: { system: { connsInbound: 200 }, protocol: { [PROTOCOL]: { streamsInbound: 150 } } } })
    const peers = Array.from({ length: 300 }, (_, i) => ({ ip: `${1 + i % 200}.${Math.floor(i / 200)}.1.1`, peer: i, connection: undefined as DefaultConnectionScope | undefined, stream: undefined as DefaultStreamScope | undefined }))
    let served = 0
    let refused = 0

    for (let step = 0; step < STEPS; step++) {
      world.now += STEP

      for (const peer of peers) {
        if (peer.connection == null && random.next() < 0.5) {
          const opened = world.connect(peer.ip, peer.peer)

          if (opened instanceof DefaultConnectionScope) {
            peer.connection = opened
          } else {
            refused++
          }
        } else if (peer.connection != null && random.next() < 0.02) {
          peer.stream?.done()
          peer.connection.done()
          peer.stream = undefined
          peer.connection = undefined
        } else if (peer.connection != null && peer.stream == null) {
          const opened = world.stream(peer.connection, PROTOCOL)

          if (opened instanceof DefaultStreamScope) {
            peer.stream = opened
            served++
          } else {
            refused++
          }
        } else if (random.next() < 0.2) {
          peer.stream?.done()
          peer.stream = undefined
        }
      }

      // they come and go, and new lists of what there is do not matter
      world.connections.splice(0, world.connections.length, ...world.connections.filter(scope => !scope.closed))
      world.streams.splice(0, world.streams.length, ...world.streams.filter(scope => !scope.closed))
    }

    expect(world.evicted).to.be.empty()
    expect(refused, 'there is not enough for all').to.be.greaterThan(1_000)
    expect(served).to.be.greaterThan(10_000)
  })

  it('should give an attacker no more than the share of its networks, however early it came', () => {
    for (const networks of [1, 4, 16]) {
      const world = new FairWorld({ limits: { system: { connsInbound: 64 } }, fairness: { protect: 8 } })
      const hostile = Array.from({ length: networks }, (_, i) => `200.${i}.1.1`)
      const honest = Array.from({ length: 16 }, (_, i) => `${1 + i}.1.1.1`)
      let peer = 0

      // 300 connections of other peers each time
      for (let round = 0; round < 10; round++) {
        world.now += 11_000

        for (let i = 0; i < 300; i++) {
          world.connect(hostile[i % networks], peer++)
        }

        for (const [i, ip] of honest.entries()) {
          for (let own = 0; own < 2; own++) {
            world.connect(ip, 100_000 + i)
          }
        }
      }

      const open = world.connections.filter(scope => !scope.closed)
      const share = open.filter(({ endpoint }) => String(endpoint).includes('/ip4/200.')).length
      const held = honest.map(ip => open.filter(({ endpoint }) => String(endpoint).includes(`/ip4/${ip}/`)).length)

      // those that are protected are too few to matter, and hold places in the share of their networks
      expect(share, `${networks} networks`).to.be.at.most(Math.max(64 - 16 * 2, Math.ceil(64 * networks / (16 + networks)) + networks))
      expect(Math.min(...held), `${networks} networks: everybody is served`).to.be.at.least(Math.min(2, Math.floor(64 / (16 + networks)) - 1))
    }
  })
})
