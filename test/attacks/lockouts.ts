/**
 * How many others it takes to lock a stranger out of a node with default limits, computed with
 * the code that decides. docs/attacks.md has it as a table, which a test compares.
 */

import { createLibp2p } from 'libp2p'
import { nodeDemand } from '../../src/libp2p/node-demand.ts'
import { deriveLimits } from '../../src/limits/derive-limits.ts'
import { fitToNode } from '../../src/limits/fit-to-node.ts'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { FairWorld } from '../fairness/fixtures.ts'
import { fakePeer } from '../scopes/fixtures.ts'
import type { NodeDemand } from '../../src/limits/fit-to-node.ts'
import type { ConcreteLimitConfig } from '../../src/limits.ts'
import type { ConnectionManager } from '@libp2p/interface-internal'

const GiB = 2 ** 30

/** The memory of the machines, in GiB */
export const MACHINES = [1, 4, 16]

/**
 * How many files a process may have open there
 */
const OPEN_FILES = 65_536

/**
 * How long it takes until connections that are open count as old, in ms
 */
const A_WHILE = 60_000

/**
 * Somebody who is nobody else's neighbour
 */
const STRANGER = '250.250.1.1'

interface Lockout {
  /** What the attackers hold all of */
  name: string

  /** What is counted */
  unit: string

  /** How many it took before, by the memory of the machine */
  before: string[]

  /** Where the attackers come from: each is of another group */
  from (group: number): string

  /** Whether their peers are known */
  known: boolean
}

const LOCKOUTS: Lockout[] = [
  {
    name: 'inbound connections, over IPv4',
    unit: 'networks (/16), an address in each',
    before: ['8 addresses', '12 addresses', '24 addresses'],
    from: ipv4,
    known: true
  },
  {
    name: 'inbound connections, over IPv6',
    unit: 'networks (/32), a /48 in each',
    before: ['1 /48', '2 /48s', '3 /48s'],
    from: ipv6,
    known: true
  },
  {
    name: 'handshakes, over IPv4',
    unit: 'networks (/16), an address in each',
    before: ['2 addresses', '2 addresses', '2 addresses'],
    from: ipv4,
    known: false
  },
  {
    name: 'handshakes, over IPv6',
    unit: 'networks (/32), a /48 in each',
    before: ['1 /48', '1 /48', '1 /48'],
    from: ipv6,
    known: false
  },
  {
    name: 'handshakes, over relays',
    unit: 'relays',
    before: ['1 peer behind 1 relay', '1 peer behind 1 relay', '1 peer behind 1 relay'],
    from: group => `/ip4/${ipv4(0)}/tcp/1/p2p/${fakePeer(1_000 + group)}/p2p-circuit`,
    known: false
  }
]

function ipv4 (group: number): string {
  return `${1 + group % 200}.${Math.floor(group / 200)}.1.1`
}

function ipv6 (group: number): string {
  return `/ip6/2a00:${(1 + group).toString(16)}::1/tcp/1`
}

/**
 * What a node with all defaults does, so that its limits follow
 */
async function defaultDemand (): Promise<NodeDemand> {
  const node = await createLibp2p({ start: false })
  const demand = nodeDemand((node as unknown as { components: { connectionManager: ConnectionManager } }).components.connectionManager)

  return { ...demand, fds: OPEN_FILES }
}

/**
 * Whether a stranger gets in after attackers of so many groups have taken all that they can get
 */
function getsIn ({ system, transient }: ConcreteLimitConfig, { from, known }: Lockout, groups: number): boolean {
  const world = new FairWorld({ limits: { system: { conns: system.conns, connsInbound: system.connsInbound }, transient: { conns: transient.conns, connsInbound: transient.connsInbound } } })
  const slots = (known ? system : transient).connsInbound
  let peer = 0

  // more than there are of each, so that each group has all that it can get
  for (let i = 0; i < 2 * slots + groups; i++) {
    if (known) {
      world.connect(from(i % groups), peer++)
    } else {
      world.accept(from(i % groups))
    }
  }

  world.now += A_WHILE

  return world.accept(STRANGER) instanceof DefaultConnectionScope
}

/**
 * The least number of groups that lock out a stranger
 */
function leastGroups (limits: ConcreteLimitConfig, lockout: Lockout): number {
  let [tooFew, enough] = [0, limits.system.connsInbound + 1]

  while (enough - tooFew > 1) {
    const groups = Math.floor((tooFew + enough) / 2)

    if (getsIn(limits, lockout, groups)) {
      tooFew = groups
    } else {
      enough = groups
    }
  }

  return enough
}

/**
 * The rows of a table in Markdown
 */
export async function lockoutRows (): Promise<string[]> {
  const demand = await defaultDemand()
  const machines = MACHINES.map(memory => fitToNode(deriveLimits({}, { memory: memory * GiB, fds: OPEN_FILES }), demand, false))

  const rows = LOCKOUTS.map(lockout => row(lockout.name, lockout.unit, lockout.before, machines.map(limits => leastGroups(limits, lockout))))

  // however many addresses they have
  const peers = machines.map(({ system, peerDefault }) => Math.ceil(system.connsInbound / peerDefault.connsInbound))

  return [...rows, row('inbound connections', 'peers, from as many networks as above', ['8 peers', '12 peers', '24 peers'], peers)]
}

function row (name: string, unit: string, before: string[], after: number[]): string {
  return `| ${[name, unit, ...after.flatMap((count, i) => [before[i], String(count)])].join(' | ')} |`
}
