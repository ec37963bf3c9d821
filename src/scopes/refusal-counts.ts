import type { AnyRefusal, Usage } from './refusal.ts'
import type { Resource } from '../errors.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * How often one kind of scope, or of limit by address or rate, has refused one
 * resource
 */
export interface RefusalCount {
  /**
   * What refused: a kind of scope such as `system` or `protocolPeer`, or `subnet`,
   * `network`, `global`, `peer` or `protocol` for a limit by subnet or of a rate, or
   * `collector` for one of sessions
   */
  kind: string
  resource: Resource

  /**
   * Set where the limit was one for a single direction
   */
  direction?: MessageStreamDirection
  count: number
}

/**
 * The same, told apart further by what was asked for
 */
export interface RequestCount extends RefusalCount {
  /**
   * The direction of what was refused, whether or not the limit was one for a single
   * direction
   */
  requested?: MessageStreamDirection

  /**
   * What was refused, where the resource does not say
   */
  request?: AnyRefusal['request']

  /**
   * What was refused is a connection that would have used a file descriptor
   */
  usefd: boolean

  /**
   * How much was refused, which for memory are bytes
   */
  amount: number
}

/**
 * Counts refusals by the kind of what refused and by what was asked for: a few
 * dozen numbers, however many scopes there are
 */
export class RefusalCounts {
  // few enough that looking through them beats making a key to look up
  readonly #counts: RequestCount[] = []

  add ({ added, attempted, direction, kind, request, resource }: AnyRefusal): void {
    const requested = directionOf(added) ?? direction
    const usefd = added != null && added.fd > 0

    for (const entry of this.#counts) {
      if (entry.kind === kind && entry.resource === resource && entry.direction === direction && entry.requested === requested && entry.request === request && entry.usefd === usefd) {
        entry.count++
        entry.amount += attempted
        return
      }
    }

    this.#counts.push({ kind, resource, direction, requested, request, usefd, count: 1, amount: attempted })
  }

  /**
   * By what refused
   */
  entries (): RefusalCount[] {
    const entries: RefusalCount[] = []

    for (const { count, direction, kind, resource } of this.#counts) {
      const entry = entries.find(entry => entry.kind === kind && entry.resource === resource && entry.direction === direction)

      if (entry == null) {
        entries.push({ kind, resource, direction, count })
      } else {
        entry.count += count
      }
    }

    return entries
  }

  /**
   * By what was asked for as well. The entries go on counting.
   */
  requests (): readonly Readonly<RequestCount>[] {
    return this.#counts
  }
}

function directionOf (added?: Usage): MessageStreamDirection | undefined {
  if (added == null) {
    return
  }

  if (added.streamsInbound > 0 || added.connsInbound > 0) {
    return 'inbound'
  }

  if (added.streamsOutbound > 0 || added.connsOutbound > 0) {
    return 'outbound'
  }
}
