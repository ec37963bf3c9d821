/**
 * The version of the data in the engine. Nodes that write another version cannot be in the same
 * fleet.
 */
export const LAYOUT_VERSION = '1'

/**
 * How long data lasts that nobody asks for any more, in ms: 90 days
 */
export const KEEP = 90 * 24 * 60 * 60 * 1_000

/**
 * The largest number that the engine passes on exactly: it writes 14 digits. Anything larger is
 * unlimited.
 */
export const MAX_AMOUNT = 1e14

/**
 * The names of the scripts, see docs/fleet.md
 */
export type ScriptName = 'sync' | 'rates' | 'leave' | 'decide' | 'read'

/**
 * One field of a limit: its index in `LIMIT_FIELDS`, the limit of the fleet, what the node
 * may use without having asked again, what it holds, and what it wants
 */
export type FieldRequest = [field: number, limit: number, claim: number, held: number, want: number]

export type ScopeRequest = [scope: string, fields: FieldRequest[]]

export interface SyncRequest {
  /** Of the node, and of this run of it */
  id: string

  /** One more than the last time */
  seq: number

  /**
   * The last one that was answered. What the engine has of an earlier one is of a call that came
   * late, when it had forgotten the node.
   *
   * @default 0
   */
  acked?: number

  /** How long leases last, in ms, which is the same for all nodes */
  ttl: number

  /** The version of the decisions that the limits are from */
  policy: number

  /** What the node holds, for people */
  sum: string

  /** Scopes that it needs no room of any more */
  gone: string[]
  scopes: ScopeRequest[]
}

export interface SyncAnswer {
  /**
   * - `'ok'`
   * - `'policy'`: the limits are not those of the fleet any more. The node is there, and has what it had
   * - `'old'`: a later call came first
   * - `'version'`: what is kept is of another version
   * - `'ttl'`: other nodes have leases of another length
   */
  status: 'ok' | 'policy' | 'old' | 'version' | 'ttl'

  /** The version or length that is there instead, if it differs */
  found?: string | number

  /** The version of the decisions */
  policy?: number

  /** The time of the engine, in ms since 1970 */
  now?: number

  /** How many nodes there are */
  nodes?: number

  /** For how long nobody may have more, in ms */
  quiet?: number

  /**
   * What the engine had of the node was older than what it has answered, and is dropped: it knows
   * only what this call has told
   */
  again?: boolean

  /** What the node may have, by scope and field as in the request */
  grants?: number[][]

  /** What the limits leave after that */
  free?: number[][]

  /** What the other nodes hold */
  others?: number[][]
}

export interface DecideRequest {
  /** The version that was read */
  policy: number

  /** The one that these are: larger than any that this node knows of */
  next: number
  text: string
}

export interface DecideAnswer {
  status: 'ok' | 'conflict' | 'version'
  found?: string
  policy?: number
}

/**
 * What the engine has of a node
 */
export interface NodeRecord {
  id: string

  /** How long ago it was written, in ms */
  age: number
  sum: string
}

export interface ReadAnswer {
  status: 'ok' | 'version'
  found?: string

  /** The time of the engine, in ms since 1970 */
  now?: number

  /** 0 where nothing was decided yet */
  policy?: number
  text?: string
  nodes?: NodeRecord[]
}
