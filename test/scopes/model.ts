import { add, closed, CONNECTION_CHECKS, countRefusal, memoryRefusal, nameOf, newHolder, nothing, refused, STREAM_CHECKS, toStat, UNLIMITED, wrongState } from './model-rules.ts'
import type { Check, Failure, Holder, Scope, Refusal, Usage } from './model-rules.ts'
import type { ResourceManagerStat, ScopeStat } from '../../src/index.ts'
import type { Limit, ResourceLimits } from '../../src/limits/limit.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/*
 * A second resource manager, written from the rules and not from the code: it
 * keeps a flat list of what was opened and adds everything up again whenever it
 * is asked. It is slow, and simple enough to be seen to be right.
 */

/**
 * What the words in a limit mean
 */
const WORDS = { unlimited: Infinity, blockAll: 0 }

export class Model {
  readonly holders: Holder[] = []

  /** The names of the services, protocols and peers that have a scope, and how many spans each has had */
  readonly known = new Map<string, number>([['system', 0], ['transient', 0]])

  /** The scopes that a view holds at the moment */
  readonly viewed: string[] = []

  #configured: Map<string, Limit>
  readonly #changed = new Map<string, Limit>()
  #connections = 0
  #streams = 0

  /**
   * @param configured - The limits by scope: those of all shares of a protocol or
   * service are at its name with `.peer` behind it
   */
  constructor (configured: Map<string, Limit>) {
    this.#configured = configured
  }

  limit (scope: Scope): Limit {
    return typeof scope === 'string'
      ? this.#changed.get(scope) ?? this.#configured.get(scope.replace(/\.peer:.*/, '.peer')) as Limit
      : scope.limit ?? this.#configured.get(scope.kind) as Limit
  }

  /**
   * What has to have room for what is reserved in a holder, in the order in which
   * it is checked, without the holder itself
   */
  above ({ kind, name, owner, peer, protocol, service }: Holder): Scope[] {
    if (kind === 'direct') {
      return name === 'system' ? [name] : [name, 'system']
    }

    if (typeof owner === 'string') {
      return owner === 'system' ? [owner] : [owner, 'system']
    }

    if (owner != null) {
      return owner.open ? [owner, ...this.above(owner)] : [owner]
    }

    const scopes: Array<string | false | undefined> = kind === 'conn'
      ? [peer ?? 'transient', service != null && `${service}.${peer}`, service, 'system']
      : [peer, protocol == null ? 'transient' : `${protocol}.${peer}`, service != null && `${service}.${peer}`, protocol, service, 'system']

    return scopes.filter(scope => typeof scope === 'string')
  }

  usage (scope: Scope): Usage {
    const usage = nothing()

    if (typeof scope === 'string' || scope.open) {
      for (const holder of this.holders) {
        if (holder.open && (holder === scope || this.above(holder).includes(scope))) {
          add(usage, holder.held)
        }
      }
    }

    return usage
  }

  // operations: each answers the error that it has to fail with

  openConnection (direction: MessageStreamDirection, usefd: boolean): Holder | Failure {
    const holder = newHolder('conn', `conn-${++this.#connections}`)

    return this.reserveConnection(holder, direction, usefd) ?? this.#open(holder)
  }

  openStream (peer: string, direction: MessageStreamDirection): Holder | Failure {
    this.know(peer)

    const holder = newHolder('stream', `stream-${++this.#streams}`, { peer })

    return this.reserveStream(holder, direction) ?? this.#open(holder)
  }

  beginSpan (owner: Scope): Holder | Failure {
    if (typeof owner === 'string') {
      this.know(owner)
    } else if (!owner.open) {
      return closed(owner, owner)
    }

    const serial = typeof owner === 'string' ? this.known.get(owner) as number + 1 : owner.spans + 1

    if (typeof owner === 'string') {
      this.known.set(owner, serial)
    } else {
      owner.spans = serial
    }

    return this.#open(newHolder('span', `${nameOf(owner)}.span-${serial}`, { limit: this.limit(owner), owner }))
  }

  setPeer (holder: Holder, peer: string): Failure | undefined {
    return this.#attach(holder, 'peer', peer, [peer])
  }

  setProtocol (holder: Holder, protocol: string): Failure | undefined {
    return this.#attach(holder, 'protocol', protocol, [protocol, `${protocol}.${holder.peer}`])
  }

  setService (holder: Holder, service: string): Failure | undefined {
    return this.#attach(holder, 'service', service, [service, `${service}.${holder.peer}`], holder.kind === 'conn' ? 'peer' : 'protocol')
  }

  reserveStream (holder: Holder, direction: MessageStreamDirection): Failure | undefined {
    return this.#reserve(holder, STREAM_CHECKS, { ...nothing(), [direction === 'inbound' ? 'streamsInbound' : 'streamsOutbound']: 1 })
  }

  reserveConnection (holder: Holder, direction: MessageStreamDirection, usefd: boolean): Failure | undefined {
    return this.#reserve(holder, CONNECTION_CHECKS, { ...nothing(), [direction === 'inbound' ? 'connsInbound' : 'connsOutbound']: 1, fd: usefd ? 1 : 0 })
  }

  releaseStream (holder: Holder, direction: MessageStreamDirection): void {
    this.#giveBack(holder, [direction === 'inbound' ? 'streamsInbound' : 'streamsOutbound'])
  }

  releaseConnection (holder: Holder, direction: MessageStreamDirection, usefd: boolean): void {
    const count = direction === 'inbound' ? 'connsInbound' : 'connsOutbound'
    const { connsInbound, connsOutbound, fd } = holder.held

    // all that it holds have a file descriptor
    if (!usefd && connsInbound + connsOutbound === fd) {
      return
    }

    this.#giveBack(holder, usefd ? [count, 'fd'] : [count])
  }

  reserveMemory (scope: Scope, size: number, priority = 255): Failure | undefined {
    const holder = this.#holderOf(scope)
    const failure = this.#refusal(holder, [holder, ...this.above(holder)], (usage, limit) => memoryRefusal(usage, limit, size, priority))

    if (failure == null) {
      holder.held.memory += size
    }

    return failure
  }

  releaseMemory (scope: Scope, size: number): void {
    const holder = this.#holderOf(scope)

    if (holder.open) {
      holder.held.memory = Math.max(0, holder.held.memory - size)
    }
  }

  /**
   * Empties a holder, of which a connection or stream is itself not a part
   */
  release (holder: Holder): void {
    if (!holder.open) {
      return
    }

    holder.held = holder.kind === 'span' ? nothing() : { ...holder.held, memory: 0 }
  }

  done (holder: Holder): void {
    holder.open = false
    holder.held = nothing()
  }

  setLimit (scope: Scope, limits: ResourceLimits): void {
    const limit = { ...this.limit(scope) }

    for (const [field, value] of Object.entries(limits)) {
      if (value !== undefined && value !== 'default') {
        limit[field as keyof Limit] = typeof value === 'number' ? value : WORDS[value as keyof typeof WORDS]
      }
    }

    if (typeof scope === 'string') {
      this.know(scope)
      this.#changed.set(scope, limit)
    } else {
      scope.limit = limit
    }
  }

  /**
   * All limits of the configuration change, and shared scopes have no others then
   */
  setLimits (configured: Map<string, Limit>): void {
    this.#configured = configured
    this.#changed.clear()
  }

  gc (): void {
    for (const scope of this.known.keys()) {
      const used = Object.values(this.usage(scope)).some(count => count > 0)
      const needed = this.viewed.includes(scope) || this.holders.some(holder => holder.open && holder.owner === scope)

      if (/^(peer|protocol):/.test(scope) && !used && !needed && !this.#changed.has(scope)) {
        this.known.delete(scope)
      }
    }
  }

  /**
   * A scope is there from when it is first asked for
   */
  know (scope: string): void {
    if (!this.known.has(scope)) {
      this.known.set(scope, 0)
    }
  }

  /**
   * The names of one kind of scope
   */
  list (kind: 'service' | 'protocol' | 'peer'): string[] {
    return [...this.known.keys()].filter(name => name.startsWith(`${kind}:`)).map(name => name.slice(kind.length + 1))
  }

  stat (): ResourceManagerStat {
    const all = (kind: 'service' | 'protocol' | 'peer'): Record<string, ScopeStat> => {
      return Object.fromEntries(this.list(kind).map(name => [name, toStat(this.usage(`${kind}:${name}`))]))
    }

    return {
      system: toStat(this.usage('system')),
      transient: toStat(this.usage('transient')),
      allowlistedSystem: toStat(nothing()),
      allowlistedTransient: toStat(nothing()),
      services: all('service'),
      protocols: all('protocol'),
      peers: all('peer')
    }
  }

  #open (holder: Holder): Holder {
    this.holders.push(holder)

    return holder
  }

  /**
   * What is reserved directly in a shared scope is kept like a holder, but one
   * that has no limit of its own
   */
  #holderOf (scope: Scope): Holder {
    if (typeof scope !== 'string') {
      return scope
    }

    this.know(scope)

    return this.holders.find(({ kind, name }) => kind === 'direct' && name === scope) ??
      this.#open(newHolder('direct', scope, { limit: UNLIMITED }))
  }

  #reserve (holder: Holder, checks: Check[], added: Usage): Failure | undefined {
    const failure = this.#refusal(holder, [holder, ...this.above(holder)], (usage, limit) => countRefusal(checks, usage, limit, added))

    if (failure == null) {
      add(holder.held, added)
    }

    return failure
  }

  /**
   * Takes one of each out of a holder, or nothing if it does not have that
   */
  #giveBack (holder: Holder, counts: Array<keyof Usage>): void {
    if (holder.open && counts.every(count => holder.held[count] > 0)) {
      counts.forEach(count => { holder.held[count]-- })
    }
  }

  /**
   * Attaches a holder, with all that it holds, to shared scopes if those have
   * room for it
   */
  #attach (holder: Holder, field: 'peer' | 'protocol' | 'service', name: string, scopes: string[], needed?: 'peer' | 'protocol'): Failure | undefined {
    const what = holder.kind === 'conn' ? 'connection' : 'stream'

    if (!holder.open) {
      return closed(holder, holder)
    }

    if (holder[field] != null) {
      return wrongState(`${what} scope already attached to a ${field}`)
    }

    if (needed != null && holder[needed] == null) {
      return wrongState(`${what} scope not attached to a ${needed}`)
    }

    this.know(name)

    const added = this.usage(holder)
    const failure = this.#refusal(undefined, scopes, (usage, limit) => memoryRefusal(usage, limit, added.memory, 255) ??
      countRefusal([...STREAM_CHECKS, ...CONNECTION_CHECKS], usage, limit, added))

    if (failure == null) {
      holder[field] = name
    }

    return failure
  }

  #refusal (requester: Holder | undefined, scopes: Scope[], find: (usage: Usage, limit: Limit) => Refusal | undefined): Failure | undefined {
    for (const scope of scopes) {
      if (typeof scope !== 'string' && !scope.open) {
        return closed(requester, scope)
      }

      const refusal = find(this.usage(scope), this.limit(scope))

      if (refusal != null) {
        return refused(requester, scope, refusal)
      }
    }
  }
}
