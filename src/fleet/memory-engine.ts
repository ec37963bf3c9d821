import { startTimeOfDay } from '../util/clock.ts'
import { MemoryRates } from './memory-rates.ts'
import { LAYOUT_VERSION } from './protocol.ts'
import type { NodeRates } from './memory-rates.ts'
import type { DecideAnswer, DecideRequest, FieldRequest, NodeRecord, ReadAnswer, ScriptName, SyncAnswer, SyncRequest } from './protocol.ts'
import type { RatesAnswer, RatesRequest } from './rates-protocol.ts'

/**
 * What a node has leased and holds of a field
 */
interface Amounts {
  leased: number
  held: number
}

interface NodeData {
  /** When its leases end */
  expires: number
  seq: number
  at: number
  sum: string
  scopes: Map<string, Map<number, Amounts>>
  readonly rates: NodeRates

  /** Who has asked for it */
  owner: unknown
}

interface FleetData {
  ttl: number
  quiet: number
  clean: boolean
  policy: number
  text: string
  nodes: Map<string, NodeData>
  readonly rates: MemoryRates
}

/** What there is of a fleet that nobody has called */
const NO_FLEET = { nodes: new Map<string, NodeData>(), policy: 0, text: '' }

/**
 * The scripts in TypeScript: an engine in this process, for the workers of a `cluster`, models
 * and tests. `scripts.ts` says the same in Lua.
 */
export class MemoryEngine {
  readonly #fleets = new Map<string, FleetData>()
  readonly #now: () => number
  readonly #published: (channel: string, message: string) => void
  #isFirst: boolean

  /**
   * @param published - is told of what `decide` publishes
   * @param now - in whole ms since 1970. A clock that is set would end leases that nodes still use.
   * @param isFirst - nobody can have a lease of an engine that was there before
   */
  constructor (published: (channel: string, message: string) => void, now: () => number = startTimeOfDay(), isFirst = false) {
    this.#published = published
    this.#now = now
    this.#isFirst = isFirst
  }

  /**
   * Forgets everything
   */
  clear (): void {
    this.#fleets.clear()
    this.#isFirst = false
  }

  /**
   * The leases of all nodes that are there, by scope and field
   */
  leased (key: string): Map<string, number> {
    const sums = new Map<string, number>()

    for (const { expires, scopes } of this.#fleets.get(key)?.nodes.values() ?? []) {
      for (const [scope, fields] of expires > this.#now() ? scopes : []) {
        for (const [field, { leased }] of fields) {
          sums.set(`${scope} ${field}`, (sums.get(`${scope} ${field}`) ?? 0) + leased)
        }
      }
    }

    return sums
  }

  /**
   * @param script
   * @param key - what all keys begin with
   * @param args - as in Redis
   * @param owner - on whose behalf, see `lose`
   * @returns The text that the script answers
   */
  run (script: ScriptName, key: string, args: string[], owner?: unknown): string {
    const [argument] = args

    this.#forgetEnded()

    const fleet = this.#fleets.get(key)

    switch (script) {
      case 'sync':
        return JSON.stringify(this.#sync(fleet ?? this.#make(key), JSON.parse(argument), owner))
      case 'rates':
        return JSON.stringify(fleet === undefined ? { status: 'absent' } : this.#rates(fleet, JSON.parse(argument)))
      case 'leave':
        return JSON.stringify(this.#leave(fleet, argument))
      case 'decide':
        return JSON.stringify(this.#decide(key, JSON.parse(argument)))
      default:
        return JSON.stringify(this.#read(fleet, argument === 'nodes'))
    }
  }

  /**
   * How many fleets it knows of
   */
  get size (): number {
    return this.#fleets.size
  }

  /**
   * Somebody has ended, and holds nothing any more
   */
  lose (owner: unknown): void {
    for (const fleet of this.#fleets.values()) {
      for (const [id, node] of fleet.nodes) {
        node.owner === owner && this.#leave(fleet, id)
      }
    }
  }

  #make (key: string): FleetData {
    const fleet: FleetData = { ttl: 0, quiet: 0, clean: this.#isFirst, policy: 0, text: '', nodes: new Map(), rates: new MemoryRates() }

    this.#fleets.set(key, fleet)

    return fleet
  }

  /**
   * Checks one fleet each time, and forgets it if a new one would be the same
   */
  #forgetEnded (): void {
    const [entry] = this.#fleets
    const now = this.#now()

    if (entry === undefined) {
      return
    }

    const [key, fleet] = entry
    const { clean, nodes, policy, rates } = fleet

    sweep(nodes, now)
    this.#fleets.delete(key)

    if (nodes.size > 0 || policy > 0 || clean !== this.#isFirst || !rates.isEmpty(now)) {
      this.#fleets.set(key, fleet)
    }
  }

  #sync (fleet: FleetData, request: SyncRequest, owner: unknown): SyncAnswer {
    const { acked = 0, id, policy, seq, sum, ttl } = request
    const now = this.#now()
    const { nodes } = fleet

    sweep(nodes, now)

    if (nodes.size === 0) {
      fleet.quiet = fleet.clean ? 0 : now + ttl
      fleet.ttl = ttl
      fleet.clean = false
    } else if (fleet.ttl !== ttl) {
      return { status: 'ttl', found: fleet.ttl }
    }

    const known = nodes.get(id)

    if (known !== undefined && seq <= known.seq) {
      return { status: 'old' }
    }

    const again = known !== undefined && known.seq < acked
    const scopes = known === undefined || again ? new Map<string, Map<number, Amounts>>() : known.scopes
    const node = { seq, sum, at: now, expires: now + ttl, scopes, rates: known?.rates ?? { seq: 0, shares: new Map() }, owner }

    nodes.set(id, node)

    const answer = { policy: fleet.policy, now, nodes: nodes.size, quiet: Math.max(0, fleet.quiet - now), again }

    if (policy !== fleet.policy) {
      return { ...answer, status: 'policy' }
    }

    request.gone.forEach(scope => node.scopes.delete(scope))

    const granted = request.scopes.map(([scope, fields]) => fields.map(field => {
      return this.#grant(fleet, id, node, scope, field)
    }))

    return {
      ...answer,
      status: 'ok',
      grants: granted.map(fields => fields.map(({ grant }) => grant)),
      free: granted.map(fields => fields.map(({ free }) => free)),
      others: granted.map(fields => fields.map(({ held }) => held))
    }
  }

  #grant ({ nodes, quiet }: FleetData, id: string, node: NodeData, scope: string, [field, limit, claim, held, want]: FieldRequest): { grant: number, free: number, held: number } {
    const isQuiet = quiet > this.#now()
    let others = 0
    let holding = 0

    for (const [other, { scopes }] of nodes) {
      const amounts = other === id ? undefined : scopes.get(scope)?.get(field)

      others += amounts === undefined ? 0 : Math.max(amounts.leased, amounts.held)
      holding += amounts?.held ?? 0
    }

    const fields = node.scopes.get(scope) ?? new Map<number, Amounts>()
    // somebody may use what the engine has forgotten
    const leased = fields.get(field)?.leased ?? (isQuiet ? claim : 0)
    const kept = Math.min(claim, leased)
    const free = limit - others
    const most = Math.max(free, Math.min(kept, Math.floor(limit / nodes.size)))
    const grant = Math.max(0, Math.min(want, isQuiet ? Math.min(most, kept) : most))
    const amounts = { leased: Math.max(grant, kept), held }

    fields.set(field, amounts)
    node.scopes.set(scope, fields)

    return { grant, free: Math.max(0, free - Math.max(amounts.leased, held)), held: holding }
  }

  #rates ({ nodes, policy, quiet, rates }: FleetData, request: RatesRequest): RatesAnswer {
    const now = this.#now()

    sweep(nodes, now)

    const node = nodes.get(request.id)

    if (node === undefined) {
      return { status: 'absent' }
    }

    if (request.seq > node.rates.seq) {
      node.expires = now + request.ttl
    }

    return rates.run(request, { now, policy, quiet: quiet > now, nodes: new Map(Array.from(nodes, ([id, { rates }]) => [id, rates])) })
  }

  #leave (fleet: FleetData | undefined, id: string): { status: 'ok' } {
    // until then, nodes may have leases that the engine knows nothing of
    if (fleet?.nodes.delete(id) === true && fleet.nodes.size === 0 && fleet.quiet <= this.#now()) {
      fleet.clean = true
    }

    return { status: 'ok' }
  }

  #decide (key: string, { next, policy, text }: DecideRequest): DecideAnswer {
    const known = this.#fleets.get(key)?.policy ?? 0

    if (policy !== known) {
      return { status: 'conflict', policy: known }
    }

    const fleet = this.#fleets.get(key) ?? this.#make(key)

    fleet.policy = next
    fleet.text = text
    this.#published(`${key}:changed`, String(next))

    return { status: 'ok', policy: next }
  }

  #read ({ nodes, policy, text }: Pick<FleetData, 'nodes' | 'policy' | 'text'> = NO_FLEET, withNodes: boolean): ReadAnswer {
    const now = this.#now()
    const records: NodeRecord[] = []

    for (const [id, { at, expires, sum }] of withNodes ? nodes : []) {
      expires > now && records.push({ id, age: now - at, sum })
    }

    return { status: 'ok', now, policy, text, nodes: records }
  }

  /** Of what it keeps */
  readonly version = LAYOUT_VERSION
}

function sweep (nodes: Map<string, NodeData>, now: number): void {
  for (const [id, { expires }] of nodes) {
    expires <= now && nodes.delete(id)
  }
}
