import { KEEP } from './protocol.ts'
import type { RatesAnswer, RatesRequest, ShareRequest, TokenRequest } from './rates-protocol.ts'

interface Bucket {
  /** When it is full */
  full: number

  /** When nothing of it has to be known any more */
  expires: number

  /** Tokens that nodes have taken and say that they have not used, and until when they may use them */
  readonly kept: Map<string, { amount: number, ends: number }>
}

/**
 * What a node has told of its rates
 */
export interface NodeRates {
  seq: number
  readonly shares: Map<string, { amount: number, demand: number }>
  held?: { expires: number, groups: Map<string, number> }
}

/**
 * What the rest of the engine knows
 */
export interface RatesContext {
  now: number
  quiet: boolean
  policy: number

  /** Of all nodes that are there, the one that asks included */
  nodes: Map<string, NodeRates>
}

/**
 * The script for rates in TypeScript. `rates-script.ts` says the same in Lua.
 */
export class MemoryRates {
  readonly #buckets = new Map<string, Bucket>()
  #next = this.#buckets.entries()

  run (request: RatesRequest, { now, nodes, policy, quiet }: RatesContext): RatesAnswer {
    const own = nodes.get(request.id) as NodeRates
    const known = own.seq

    if (request.seq <= known) {
      return { status: 'old' }
    }

    if (request.held !== undefined) {
      own.held = { expires: now + Math.floor(request.ttl / 2), groups: pairs(request.held) }
    }

    const groups = request.groups.map(group => {
      let sum = 0

      for (const [id, { held }] of nodes) {
        sum += id !== request.id && held !== undefined && held.expires > now ? held.groups.get(group) ?? 0 : 0
      }

      return sum
    })

    if (request.policy !== policy) {
      return { status: 'policy', nodes: nodes.size, groups }
    }

    // before that, nothing of what was told has counted
    own.seq = request.seq
    known < (request.acked ?? 0) && own.shares.clear()
    this.#sweep(2 * request.tokens.length + 1, now)

    const tokens = request.tokens.map(tokens => this.#take(request, tokens, known, now, quiet))

    request.gone.forEach(name => own.shares.delete(name))

    return { status: 'ok', nodes: nodes.size, tokens, shares: request.shares.map(share => divide(request.id, share, nodes, quiet)), groups }
  }

  /**
   * How many buckets are kept
   */
  get size (): number {
    return this.#buckets.size
  }

  /**
   * Whether there is no bucket to remember. Buckets that have ended are not kept.
   */
  isEmpty (now: number): boolean {
    for (const [name, { expires }] of this.#buckets) {
      if (expires > now) {
        return false
      }

      this.#buckets.delete(name)
    }

    return true
  }

  /**
   * Checks the next buckets, more of them than there may be new ones
   */
  #sweep (count: number, now: number): void {
    for (let i = 0; i < count; i++) {
      const { done, value } = this.#next.next()

      if (done === true) {
        this.#next = this.#buckets.entries()
        return
      }

      const [name, { expires }] = value

      expires <= now && this.#buckets.delete(name)
    }
  }

  #take ({ id, ttl }: RatesRequest, [name, interval, burst, remembered, kept, back, want, debt, since]: TokenRequest, known: number, now: number, quiet: boolean): [number, number] {
    const found = this.#buckets.get(name)
    const bucket = found !== undefined && found.expires > now ? found : undefined
    const fields: Bucket['kept'] = bucket?.kept ?? new Map()
    let others = 0

    for (const [other, { amount, ends }] of fields) {
      if (ends <= now) {
        fields.delete(other)
      } else {
        others += other === id ? 0 : amount
      }
    }

    let missing = bucket === undefined ? remembered : Math.max(0, bucket.full - now) / interval

    missing = Math.max(missing - Math.min(fields.get(id)?.amount ?? 0, kept + back), others)
    missing += since > known ? debt : 0

    const granted = quiet ? Math.min(want, kept) : Math.max(kept, Math.min(want, Math.floor(burst - missing + 1e-6)))

    missing += granted

    if (granted > 0) {
      fields.set(id, { amount: granted, ends: now + ttl })
    } else {
      fields.delete(id)
    }

    if (missing > 0) {
      this.#buckets.set(name, { full: now + missing * interval, expires: now + Math.min(KEEP, Math.max(ttl, Math.ceil(missing * interval))), kept: fields })
    } else {
      this.#buckets.delete(name)
    }

    return [granted, missing]
  }
}

/**
 * Divides a bit rate so that no node has more than it needs, and all that need more get the
 * same. A node has its part when others have gone down to theirs.
 */
function divide (id: string, [name, limit, claim, demand]: ShareRequest, nodes: Map<string, NodeRates>, quiet: boolean): number {
  const shares = nodes.get(id)?.shares as NodeRates['shares']
  const had = shares.get(name)?.amount ?? (quiet ? claim : 0)
  const kept = Math.min(claim, had)
  const demands = [demand]
  let taken = 0

  for (const [other, { shares }] of nodes) {
    const share = other === id ? undefined : shares.get(name)

    if (share !== undefined) {
      taken += share.amount
      demands.push(share.demand)
    }
  }

  demands.sort((a, b) => a - b)

  let left = limit
  let level = limit

  for (const [i, other] of demands.entries()) {
    const part = left / (demands.length - i)

    if (other > part) {
      level = Math.floor(part)
      break
    }

    left -= other
  }

  const most = Math.min(demand, level, limit - taken)
  const grant = Math.max(0, quiet ? Math.min(most, kept) : most)

  shares.set(name, { amount: Math.max(grant, kept), demand })

  return grant
}

function pairs (list: Array<string | number>): Map<string, number> {
  const map = new Map<string, number>()

  for (let i = 0; i + 1 < list.length; i += 2) {
    map.set(String(list[i]), Number(list[i + 1]))
  }

  return map
}
