import { SHORT_GRACE } from './buffer-progress.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'

/**
 * Holders by who they belong to, with what all of them hold together, in bytes
 */
interface Group<M> {
  bytes: number
  readonly members: Map<unknown, M>
}

interface Peer {
  bytes: number

  /** Smallest first */
  readonly holders: BufferHolder[]
}

type Host = Group<Peer>

export interface BufferRankingInit {
  /**
   * The system that is short of memory
   */
  system: AggregateScope

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
 * Who gives way when memory is short: first buffers that stand still, then those that move.
 * Among these, it is the largest stream or connection of the peer that holds most, on the host
 * that holds most. So nobody is ended for what others hold, however many streams, peers or
 * connections those use.
 */
export class BufferRanking {
  readonly #hostOf: (holder: BufferHolder) => unknown
  readonly #still: Holders
  readonly #moving: Holders

  constructor (holders: Iterable<BufferHolder>, { system, part, except, hostOf, now }: BufferRankingInit) {
    this.#hostOf = hostOf
    this.#still = new Holders(part)
    this.#moving = new Holders(part)

    for (const holder of holders) {
      const { scope } = holder

      if (holder[part] > 0 && !scope.closed && scope.pair.system === system && scope !== except) {
        const still = holder.progress?.standsStill(holder.size > holder.unread, now, SHORT_GRACE) === true

        ;(still ? this.#still : this.#moving).add(keysOf(holder, hostOf(holder)))
      }
    }

    this.#still.sort()
    this.#moving.sort()
  }

  /**
   * The next one that gives way, if there is any
   *
   * @param newcomer - the holder that needs the room. If nobody holds more, it gives way
   * itself.
   */
  next (newcomer?: BufferHolder): BufferHolder | undefined {
    const keys = newcomer && keysOf(newcomer, this.#hostOf(newcomer))

    return this.#still.nextLargest(keys) ?? this.#moving.nextLargest(keys)
  }
}

/**
 * What a holder is one of
 */
interface Keys {
  readonly holder: BufferHolder
  readonly peer: unknown
  readonly host: unknown
}

function keysOf (holder: BufferHolder, host: unknown): Keys {
  const { connectionScope } = holder

  // a connection whose peer is not known yet is on its own
  return { holder, host, peer: connectionScope.peerScope ?? connectionScope }
}

class Holders {
  readonly #part: 'size' | 'unread'
  readonly #hosts: Group<Host> = { bytes: 0, members: new Map() }

  constructor (part: 'size' | 'unread') {
    this.#part = part
  }

  add ({ holder, ...keys }: Keys): void {
    const host = memberOf(this.#hosts, keys.host, () => ({ bytes: 0, members: new Map() }))
    const peer = memberOf(host, keys.peer, () => ({ bytes: 0, holders: [] }))

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

  nextLargest (newcomer?: Keys): BufferHolder | undefined {
    for (;;) {
      const host = largest(this.#hosts, newcomer?.host)
      const peer = host && largest(host, newcomer?.peer)
      const holder = peer && this.#removeLast(peer, newcomer?.holder)

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

  #removeLast ({ holders }: Peer, newcomer?: BufferHolder): BufferHolder | undefined {
    const part = this.#part
    const last = holders.pop()

    if (last == null || newcomer == null || last === newcomer || last[part] !== newcomer[part]) {
      return last
    }

    const position = holders.lastIndexOf(newcomer)

    if (position === -1) {
      return last
    }

    holders[position] = last

    return newcomer
  }
}

function memberOf <M> ({ members }: Group<M>, key: unknown, create: () => M): M {
  let member = members.get(key)

  if (member == null) {
    member = create()
    members.set(key, member)
  }

  return member
}

function deleteMember <M> ({ members }: Group<M>, member: M): void {
  for (const [key, value] of members) {
    if (value === member) {
      members.delete(key)
      return
    }
  }
}

/**
 * The one with most, and of several the preferred one
 */
function largest <M extends { bytes: number }> ({ members }: Group<M>, preferred: unknown): M | undefined {
  let found: M | undefined

  for (const [key, member] of members) {
    if (found == null || member.bytes > found.bytes || (member.bytes === found.bytes && key === preferred)) {
      found = member
    }
  }

  return found
}
