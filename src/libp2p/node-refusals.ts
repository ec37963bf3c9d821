import { CONNECTIONS } from '../sessions/sessions-init.ts'
import type { NodeBans } from './connections/node-bans.ts'
import type { NodeFairness } from './fairness/node-fairness.ts'
import type { Newcomer, NodeRefusals } from '../reporting/explain-opening.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ServiceCollectors } from '../sessions/service-collectors.ts'
import type { NameTable } from '../util/name-table.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface FindNodeRefusalsInit {
  collectors?: ServiceCollectors

  /** Where full scopes are shared fairly */
  fairness?: NodeFairness

  /** Where somebody may be banned */
  bans?: NodeBans

  /** By protocol */
  services: NameTable<string>
}

/**
 * Finds what the wiring would refuse, in the order in which it does, for `explain`
 */
export class FindNodeRefusals implements NodeRefusals {
  readonly #init: FindNodeRefusalsInit

  constructor (init: FindNodeRefusalsInit) {
    this.#init = init
  }

  findConnected (direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined {
    return this.#init.collectors?.findRefusal(CONNECTIONS, 'connection', direction) ?? this.#init.bans?.findPeer(direction, peer, address)
  }

  findVictim (refusal: Refusal, newcomer: Newcomer): string | undefined {
    return this.#init.fairness?.findVictim(refusal, newcomer)?.name
  }

  serviceOf (protocol: string): string | undefined {
    return this.#init.services.get(protocol)
  }
}
