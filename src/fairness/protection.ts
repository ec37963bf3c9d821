import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'

export interface Candidate {
  readonly connection: DefaultConnectionScope
  readonly network: string
}

/**
 * How many kinds there are
 */
const KINDS = 3

/**
 * Chooses the connections that never give way, by properties that cost an attacker something:
 * the lowest round-trip times, the longest lives, and the latest use.
 *
 * A secret hash deals the networks into as many lots as there are places of a kind, and the
 * best connection of each lot is protected. So they are all from different networks, and nobody
 * can choose a network that has a lot to itself.
 *
 * @param candidates
 * @param count - of each kind
 * @param limit - how many the scope may hold: at most half of these are protected
 * @param hash - a secret
 */
export function chooseProtected (candidates: Iterable<Candidate>, count: number, limit: number, hash: (network: string) => number): Set<DefaultConnectionScope> {
  const lots = Math.min(count, Math.floor(limit / 2 / KINDS))
  const fastest: DefaultConnectionScope[] = []
  const oldest: DefaultConnectionScope[] = []
  const useful: DefaultConnectionScope[] = []

  if (lots === 0) {
    return new Set()
  }

  for (const { connection, network } of candidates) {
    const lot = hash(network) % lots
    const { rtt, useful: used } = connection.holder ?? {}

    if (rtt !== undefined && !(rtt >= (fastest[lot]?.holder?.rtt ?? Infinity))) {
      fastest[lot] = connection
    }

    if (!(connection.serial >= (oldest[lot]?.serial ?? Infinity))) {
      oldest[lot] = connection
    }

    if (used !== undefined && !(used <= (useful[lot]?.holder?.useful ?? -Infinity))) {
      useful[lot] = connection
    }
  }

  return new Set([...fastest, ...oldest, ...useful].filter(connection => connection !== undefined))
}
