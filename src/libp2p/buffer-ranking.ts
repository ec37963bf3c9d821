import type { BufferHolder } from './buffer-holder.ts'
import type { AggregateNode } from '../scopes/aggregate-node.ts'

/**
 * In ms: when memory is short, what has not moved for this long goes before what has
 */
const SHORT_GRACE = 2_000

/**
 * Holders by who they belong to, with what all of them hold together, in bytes
 */
interface Group<K, M> {
  bytes: number
  readonly members: Map<K, M>
}

interface Peer {
  bytes: number

  /** Smallest first */
  readonly holders: BufferHolder[]
}

type Host = Group<unknown, Peer>

export interface BufferRankingInit {
  /**
   * The system that is short of memory
   */
  system: AggregateNode

  /**
   * What there is too much of: all that is in buffers, or what nobody has read
   */
  part: 'size' | 'unread'

  /**
   * The scope that room is made for, which gives way to nobody
   */
  except?: unknown

  /**
   * The host at the other end of a connection, if it is known
   */
  hostOf(holder: BufferHolder): unknown

  /**
   * In ms
   */
  now: number
}

/**
 * Who gives way when memory is short: what stands still before what moves, and then the
 * largest stream or connection of the peer that holds most, of the host that holds most. So
 * whoever holds little is never ended for what others hold, however many streams, peers or
 * connections they use for it.
 */
export class BufferRanking {
  readonly #still: Holders
  readonly #moving: Holders

  constructor (holders: Iterable<BufferHolder>, { system, part, except, hostOf, now }: BufferRankingInit) {
    this.#still = new Holders(part)
    this.#moving = new Holders(part)

    for (const holder of holders) {
      const { scope } = holder

      if (holder[part] > 0 && !scope.closed && scope.pair.system === system && scope !== except) {
        const still = holder.progress?.standsStill(holder.size > holder.unread, now, SHORT_GRACE) === true

        ;(still ? this.#still : this.#moving).add(holder, hostOf(holder))
      }
    }

    this.#still.sort()
    this.#moving.sort()
  }

  /**
   * The next one that gives way, if there is any
   */
  take (): BufferHolder | undefined {
    return this.#still.takeLargest() ?? this.#moving.takeLargest()
  }
}

class Holders {
  readonly #part: 'size' | 'unread'
  readonly #hosts: Group<unknown, Host> = { bytes: 0, members: new Map() }

  constructor (part: 'size' | 'unread') {
    this.#part = part
  }

  add (holder: BufferHolder, hostKey: unknown): void {
    const { connectionScope } = holder
    const host = memberOf(this.#hosts, hostKey, () => ({ bytes: 0, members: new Map() }))

    // a connection whose peer is not known yet is on its own
    const peer = memberOf(host, connectionScope.peerNode ?? connectionScope, () => ({ bytes: 0, holders: [] }))

    peer.holders.push(holder)
    peer.bytes += holder[this.#part]
    host.bytes += holder[this.#part]
  }

  sort (): void {
    const part = this.#part

    for (const { members } of this.#hosts.members.values()) {
      for (const { holders } of members.values()) {
        holders.sort((a, b) => a[part] - b[part])
      }
    }
  }

  takeLargest (): BufferHolder | undefined {
    for (;;) {
      const host = largest(this.#hosts)
      const peer = host && largest(host)
      const holder = peer?.holders.pop()

      if (host == null || peer == null || holder == null) {
        return
      }

      peer.bytes -= holder[this.#part]
      host.bytes -= holder[this.#part]

      if (peer.holders.length === 0) {
        deleteMember(host, peer)
      }

      if (host.members.size === 0) {
        deleteMember(this.#hosts, host)
      }

      // ending others may have ended it as well
      if (!holder.scope.closed) {
        return holder
      }
    }
  }
}

function memberOf <K, M> ({ members }: Group<K, M>, key: K, create: () => M): M {
  let member = members.get(key)

  if (member == null) {
    member = create()
    members.set(key, member)
  }

  return member
}

function deleteMember <K, M> ({ members }: Group<K, M>, member: M): void {
  for (const [key, value] of members) {
    if (value === member) {
      members.delete(key)
      return
    }
  }
}

function largest <M extends { bytes: number }> ({ members }: Group<unknown, M>): M | undefined {
  let found: M | undefined

  for (const member of members.values()) {
    if (found == null || member.bytes > found.bytes) {
      found = member
    }
  }

  return found
}
