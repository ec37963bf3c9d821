import { multiaddr } from '@multiformats/multiaddr'
import { Admission } from '../../src/admission/admission.ts'
import { parseIP } from '../../src/util/parse-ip.ts'
import { createManager, LIMITED } from './operation.ts'
import type { Operation } from './operation.ts'
import type { AdmissionOptions, ResourceManagerInit } from '../../src/index.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { IPAddress } from '../../src/util/ip-address.ts'
import type { PeerId } from '@libp2p/interface'

const MANY_SUBNETS = 1_000_000

/**
 * How many of the subnets are asked about in turn
 */
const ASKED = 100_000

/**
 * Rates that are decided about and never exceeded, for the subnets that there are
 * limits for by default. They remember all subnets.
 */
const RATES: AdmissionOptions = {
  rateLimits: {
    connections: {
      ipv4: [{ prefixLength: 32, rate: 0.2, burst: 1e9 }],
      ipv6: [{ prefixLength: 56, rate: 0.2, burst: 1e9 }, { prefixLength: 48, rate: 0.5, burst: 1e9 }],
      maxSubnets: 2 * MANY_SUBNETS
    }
  }
}

function connectionLife (name: string, init: ResourceManagerInit, peer: PeerId, address?: string): Operation {
  return {
    name: `connection life, ${name}`,
    prepare () {
      const manager = createManager(init)
      const endpoint = address == null ? undefined : multiaddr(address)

      return () => {
        const connection = manager.core.openConnection('inbound', true, endpoint) as DefaultConnectionScope

        connection.trySetPeer(peer)
        connection.done()
      }
    }
  }
}

/**
 * How many addresses connections come from in turn, and how many of them are open
 */
const IN_TURN = 64
const OPEN = 4

/**
 * Each connection is from another address than the one before it, which has to be read, and is closed
 * when others have been opened
 */
function connectionsInTurn (family: string, init: ResourceManagerInit, peer: PeerId, addressOf: (i: number) => string): Operation {
  return {
    name: `connection life, ${IN_TURN} addresses in turn, ${family}`,
    timeOnly: true,
    prepare () {
      const manager = createManager(init)
      const endpoints = Array.from({ length: IN_TURN }, (_, i) => multiaddr(addressOf(i)))
      const open: Array<DefaultConnectionScope | undefined> = new Array(OPEN).fill(undefined)
      let next = 0

      return () => {
        const connection = manager.core.openConnection('inbound', true, endpoints[next % IN_TURN]) as DefaultConnectionScope

        connection.trySetPeer(peer)
        open[next % OPEN]?.done()
        open[next % OPEN] = connection
        next++
      }
    }
  }
}

/**
 * Every one in a subnet of its own
 */
const ADDRESSES = {
  IPv4: (i: number) => `${1 + (i >>> 16)}.${(i >>> 8) & 0xff}.${i & 0xff}.1`,
  IPv6: (i: number) => `2001:${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)}::1`
}

/**
 * A connection is admitted, and is over, while others remain from many subnets
 */
function subnetDecision (family: keyof typeof ADDRESSES, count: number): Operation {
  return {
    name: `subnet and rate decision, ${family}, ${count === 1 ? '1 subnet' : `${count} subnets`}`,
    timeOnly: count > 1,
    prepare () {
      const admission = new Admission({ ...RATES, allowlistedConns: 0 })
      const asked: IPAddress[] = []
      let next = 0

      for (let i = 0; i < count; i++) {
        // scattered, as the addresses of remote peers are
        const ip = parseIP(ADDRESSES[family]((i * 7_919) % MANY_SUBNETS)) as IPAddress

        if (admission.admit(ip, 'inbound') != null) {
          throw new Error('an address was refused')
        }

        if (asked.length < ASKED) {
          asked.push(ip)
        }
      }

      return () => {
        const ip = asked[next]

        next = next + 1 === asked.length ? 0 : next + 1
        admission.admit(ip, 'inbound')
        admission.release(ip)
      }
    }
  }
}

/**
 * The life of a connection, and what is decided by its address
 */
export function connectionOperations ([peer]: PeerId[]): Operation[] {
  return [
    connectionLife('without an address', LIMITED, peer),
    connectionLife('with subnet and rate decisions, IPv4', { ...LIMITED, ...RATES }, peer, '/ip4/192.0.2.1/tcp/4001'),
    connectionLife('with subnet and rate decisions, IPv6', { ...LIMITED, ...RATES }, peer, '/ip6/2001:db8::1/tcp/4001'),
    connectionsInTurn('IPv4', { ...LIMITED, ...RATES }, peer, i => `/ip4/198.51.100.${i}/tcp/4001`),
    connectionsInTurn('IPv6', { ...LIMITED, ...RATES }, peer, i => `/ip6/2001:db8:${i}::1/tcp/4001`),
    ...[1, MANY_SUBNETS].flatMap(count => [
      subnetDecision('IPv4', count),
      subnetDecision('IPv6', count)
    ])
  ]
}
