/**
 * How many groups of attackers it takes until honest peers are refused: prints the table of
 * docs/attacks.md. `node test/fairness/lock-out.ts`
 *
 * The attackers take every slot at once that is free, and hold it. Twenty honest peers, each of a
 * group of its own, want a slot each, one after the other, again and again.
 */

import { fileURLToPath } from 'node:url'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import { Random } from '../attacks/framework/random.ts'
import { FairWorld } from './fixtures.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'

const HONEST = 20
const PROTOCOL = '/test/1.0.0'
const STEP = 100

/**
 * In steps
 */
const STEPS = 240
const SETTLED = 70

export type Held = 'connections' | 'handshakes' | 'negotiations' | 'streams of a protocol'
export type Level = 'networks' | 'hosts' | 'peers'

interface Kind {
  limits(slots: number): PartialLimitConfig

  /** How long an honest peer has a slot, in steps, and how long it does without in between */
  holds: number
  rests: number
}

const KINDS: Record<Held, Kind> = {
  connections: { limits: slots => ({ system: { connsInbound: slots } }), holds: 60, rests: 1 },
  handshakes: { limits: slots => ({ transient: { connsInbound: slots } }), holds: 1, rests: 60 },
  negotiations: { limits: slots => ({ transient: { streamsInbound: slots } }), holds: 1, rests: 5 },
  'streams of a protocol': { limits: slots => ({ protocol: { [PROTOCOL]: { streamsInbound: slots } } }), holds: 5, rests: 5 }
}

/**
 * Addresses that differ at a level, and at none above it
 */
function addressOf (level: Level, group: number): string {
  switch (level) {
    case 'networks':
      return `${1 + group % 200}.${1 + Math.floor(group / 200)}.1.1`
    case 'hosts':
      return `9.9.9.${1 + group}`
    default:
      return '9.9.9.9'
  }
}

class Party {
  readonly #world: FairWorld
  readonly #held: Held
  readonly #address: string
  readonly #peer: number
  #connection?: DefaultConnectionScope

  constructor (world: FairWorld, held: Held, level: Level, group: number) {
    this.#world = world
    this.#held = held
    this.#address = addressOf(level, group)
    this.#peer = group
  }

  open (): DefaultConnectionScope | DefaultStreamScope | Refusal {
    const [address, peer, world] = [this.#address, this.#peer, this.#world]

    switch (this.#held) {
      case 'connections':
        return world.connect(address, peer)
      case 'handshakes':
        return world.accept(address)
      default:
        this.#connection ??= world.connect(address, peer) as DefaultConnectionScope

        return world.stream(this.#connection, this.#held === 'negotiations' ? undefined : PROTOCOL)
    }
  }
}

function isOpen (opened: unknown): opened is DefaultConnectionScope | DefaultStreamScope {
  return opened instanceof DefaultConnectionScope || opened instanceof DefaultStreamScope
}

/**
 * The share of what the honest peers try that is refused
 */
export function refusedShare (held: Held, slots: number, level: Level, groups: number): number {
  const { holds, limits, rests } = KINDS[held]
  const world = new FairWorld({ limits: limits(slots), fairness: { protect: 0 } })
  const random = new Random(1)
  const hostile = Array.from({ length: groups }, (_, i) => new Party(world, held, level, HONEST + i))
  const honest = Array.from({ length: HONEST }, (_, i) => ({ party: new Party(world, held, level, i), slot: undefined as DefaultConnectionScope | DefaultStreamScope | undefined, until: random.next() * (holds + rests) }))
  let tried = 0
  let refused = 0

  const take = (): void => {
    // whoever of them gets it
    for (const party of hostile) {
      while (isOpen(party.open())) {
        // one more
      }
    }
  }

  for (let step = 0; step < STEPS; step++) {
    world.now += STEP
    take()

    for (const peer of honest.filter(({ until }) => step >= until)) {
      if (peer.slot !== undefined) {
        peer.slot.done()
        peer.slot = undefined
        peer.until = step + rests
        take()
        continue
      }

      const opened = peer.party.open()

      tried += step < SETTLED ? 0 : 1
      refused += step < SETTLED || isOpen(opened) ? 0 : 1
      peer.slot = isOpen(opened) ? opened : undefined
      peer.until = step + (isOpen(opened) ? holds : rests)
    }
  }

  return refused / tried
}

/**
 * The least number of groups with which at least a share is refused
 */
export function groupsFor (share: number, held: Held, slots: number, level: Level): number {
  let [none, enough] = [0, 2 * slots]

  while (enough - none > 1) {
    const groups = Math.floor((none + enough) / 2)

    if (refusedShare(held, slots, level, groups) >= share) {
      enough = groups
    } else {
      none = groups
    }
  }

  return enough
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows: Array<[Held, number, Level]> = [
    ['connections', 48, 'networks'], ['connections', 48, 'hosts'], ['connections', 48, 'peers'], ['connections', 192, 'networks'],
    ['handshakes', 32, 'networks'], ['handshakes', 32, 'hosts'],
    ['negotiations', 64, 'networks'], ['streams of a protocol', 64, 'networks'], ['streams of a protocol', 64, 'peers']
  ]

  for (const [held, slots, level] of rows) {
    process.stdout.write(`${held}, ${slots}, ${level}: ${[0.01, 0.1, 0.5].map(share => groupsFor(share, held, slots, level)).join(', ')}\n`)
  }
}
