import { InvalidParametersError } from '@libp2p/interface'
import { parseScopeName } from '../reporting/scope-names.ts'
import { counterpart } from './counterpart.ts'
import { NamedPeer } from './named-peer.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { WhatIfGraph } from './what-if-graph.ts'
import type { ParsedScopeName } from '../reporting/scope-names.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'

/**
 * More than any node has open at a time. Each of them takes memory.
 */
export const MAX_OPEN = 250_000

/**
 * A connection or stream between its creation and when it is counted everywhere
 */
interface Opening {
  peer?: string
  cost: number
  trusted: boolean
  connection?: string
}

/**
 * Has a graph with other limits do what a trace says
 */
export class TracePlayer {
  /** How many requests were refused in the trace, by a scope */
  recorded = 0

  /** How many of them fit into the other limits */
  admitted = 0
  readonly #graph: WhatIfGraph<string>
  readonly #opening = new Map<string, Opening>()

  /**
   * The last base cost of a connection and a stream, for those that were refused
   */
  readonly #costs = { conn: 0, stream: 0 }

  constructor (graph: WhatIfGraph<string>) {
    this.#graph = graph
  }

  /**
   * @throws {InvalidParametersError} if more is open than a node can have
   */
  play (event: RecordedEvent): void {
    const { name, of, scope, type } = event

    if (scope === undefined || of === UNKNOWN) {
      return
    }

    if (type.startsWith('block_')) {
      this.recorded++
      this.admitted += this.#fits(event, scope) ? 1 : 0
    } else if (type === 'create_scope') {
      this.#create(name, scope, event.connection)
    } else if (type === 'destroy_scope') {
      this.#opening.delete(name)
      this.#graph.close(name)
    } else if (of !== undefined) {
      this.#changeOf(of, event, scope)
    } else {
      this.#change(event, scope)
    }
  }

  #create (name: string, scope: ParsedScopeName, connection?: string): void {
    if (this.#opening.size + this.#graph.size >= MAX_OPEN) {
      throw new InvalidParametersError(`expected a trace, got one with more than ${MAX_OPEN} connections, streams and spans at a time`)
    }

    // a name that comes twice is a trace of two runs
    this.#graph.close(name)

    if (!scope.isSpan) {
      if (isOpened(scope)) {
        this.#opening.set(name, { cost: 0, trusted: false, connection })
      }

      return
    }

    const owner = name.slice(0, name.lastIndexOf('.span-'))

    if (owner.includes('.span-') || isOpened(scope)) {
      this.#graph.openSpan(name, owner)
    } else if (scope.kind === 'service') {
      this.#graph.openService(name, scope.service as string)
    } else {
      this.#graph.openSpan(name, this.#shared(scope))
    }
  }

  /**
   * A scope has changed for something that was opened: this says where that is now
   */
  #changeOf (of: string, { type }: RecordedEvent, scope: ParsedScopeName): void {
    const opening = this.#opening.get(of)
    const { kind, peer, protocol, service } = scope

    if (type !== 'add_stream' && type !== 'add_conn') {
      return
    }

    if (opening !== undefined) {
      opening.peer ??= kind === 'peer' ? peer : undefined
      opening.trusted ||= kind === 'allowlistedSystem'
    } else if (kind === 'peer') {
      this.#graph.setPeer(of, new NamedPeer(peer as string), this.#graph.get(of)?.edges.includes(this.#graph.graph.allowlisted.system) === true)
    } else if (kind === 'protocolPeer') {
      this.#graph.setProtocol(of, protocol as string)
    } else if (kind === 'servicePeer') {
      this.#graph.setService(of, service as string)
    }
  }

  /**
   * A scope itself has changed
   */
  #change (event: RecordedEvent, scope: ParsedScopeName): void {
    const { buffered, delta, name, priority, type } = event
    const opening = this.#opening.get(name)

    switch (type) {
      case 'reserve_memory':
      case 'release_memory':
        if (opening !== undefined) {
          opening.cost = Math.max(0, delta)
        } else if (buffered) {
          this.#graph.addBuffers(name, delta)
        } else if (delta > 0) {
          this.#graph.reserveMemory(this.#place(name, scope), delta, priority)
        } else {
          this.#graph.releaseMemory(this.#place(name, scope), -delta)
        }
        break
      case 'add_stream':
      case 'add_conn':
        if (scope.isSpan) {
          this.#reserve(event)
        } else if (opening !== undefined) {
          this.#open(event, opening)
        }
        break
      case 'remove_stream':
      case 'remove_conn':
        this.#release(event)
        break
      default:
    }
  }

  #open ({ delta, deltaIn, name, requester, type }: RecordedEvent, { connection, peer = requester, trusted, cost }: Opening): void {
    const inbound = deltaIn > 0

    this.#opening.delete(name)

    if (type === 'add_conn') {
      this.#costs.conn = cost
      this.#graph.openConnection(name, { inbound, cost, trusted, usefd: delta > 0 })
    } else if (peer !== undefined) {
      this.#costs.stream = cost
      this.#graph.openStream(name, { inbound, cost, trusted, peer: new NamedPeer(peer), connection })
    }
  }

  /**
   * What services hold themselves
   */
  #reserve ({ delta, deltaIn, deltaOut, name, type }: RecordedEvent, isHeld = true): boolean {
    let fits = true

    for (let i = 0; i < deltaIn + deltaOut; i++) {
      const fitsToo = type.endsWith('stream')
        ? this.#graph.reserveStream(name, i < deltaIn, isHeld)
        : this.#graph.reserveConnection(name, i < deltaIn, i < delta, isHeld)

      fits &&= fitsToo
    }

    return fits
  }

  #release ({ delta, deltaIn, deltaOut, name, type }: RecordedEvent): void {
    for (let i = 0; i < -deltaIn - deltaOut; i++) {
      if (type === 'remove_stream') {
        this.#graph.releaseStream(name, i < -deltaIn)
      } else {
        this.#graph.releaseConnection(name, i < -deltaIn, i < -delta)
      }
    }
  }

  /**
   * Whether something that was refused fits into the other limits
   */
  #fits (event: RecordedEvent, scope: ParsedScopeName): boolean {
    const { delta, deltaIn, joining, name, priority, requester, type } = event
    const holder = event.of ?? name
    const inbound = deltaIn > 0

    if (joining !== undefined) {
      return this.#joins(holder, joining)
    }

    if (/^(?:conn|stream)-\d+$/.test(holder) && !this.#graph.knows(holder)) {
      const isMemory = type === 'block_reserve_memory'
      const isConnection = holder.startsWith('conn')
      // a refusal of memory for something that opens does not name its direction
      const opening = { inbound: isMemory ? priority < 255 : inbound, cost: isMemory ? delta : this.#costs[isConnection ? 'conn' : 'stream'], trusted: false }

      return isConnection
        ? this.#graph.openConnection(undefined, { ...opening, usefd: delta > 0 && !isMemory }, false)
        : this.#graph.openStream(undefined, { ...opening, peer: new NamedPeer(requester ?? '') }, false)
    }

    return type === 'block_reserve_memory'
      ? this.#graph.reserveMemory(event.of === undefined ? this.#place(name, scope) : this.#placeOf(event.of), delta, priority, false)
      : this.#reserve({ ...event, name: holder }, false)
  }

  #joins (holder: string, joining: string): boolean {
    const scope = this.#graph.get(holder)

    if (scope === undefined) {
      return false
    }

    if (holder.startsWith('conn')) {
      return 'peerScope' in scope && scope.peerScope !== undefined
        ? this.#graph.setService(holder, joining, true)
        : this.#graph.setPeer(holder, new NamedPeer(joining), false, true)
    }

    return 'protocolPeer' in scope && scope.protocolPeer !== undefined
      ? this.#graph.setService(holder, joining, true)
      : this.#graph.setProtocol(holder, joining, true)
  }

  #place (name: string, scope: ParsedScopeName): string | AggregateScope {
    return scope.isSpan || isOpened(scope) ? name : this.#shared(scope)
  }

  #placeOf (name: string): string | AggregateScope {
    const scope = parseScopeName(name)

    return scope === undefined ? name : this.#place(name, scope)
  }

  #shared ({ kind, peer, protocol, service }: ParsedScopeName): AggregateScope {
    const wholes = {
      servicePeer: { kind: 'service' as const, key: service ?? '' },
      protocolPeer: { kind: 'protocol' as const, key: protocol ?? '' }
    }
    const whole = kind === 'servicePeer' || kind === 'protocolPeer' ? wholes[kind] : undefined

    return counterpart(this.#graph.graph, { kind, key: peer ?? protocol ?? service ?? '', whole })
  }
}

/**
 * Stands for the unknown scope for which another one has changed
 */
export const UNKNOWN = '?'

function isOpened ({ kind }: ParsedScopeName): boolean {
  return kind === 'conn' || kind === 'stream'
}
