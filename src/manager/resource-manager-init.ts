import type { FeatureOptions } from './feature-options.ts'
import type { Features } from './features.ts'
import type { FleetLink } from './fleet-link.ts'
import type { BaseCostsInit } from '../libp2p/connections/base-costs.ts'
import type { CustomResourceManager } from '../libp2p/custom-manager.ts'
import type { LimitsInit } from '../limits/resolve-limits.ts'
import type { ComponentLogger } from '@libp2p/interface'

/**
 * The options of a resource manager. Each is checked when the manager is made: an option that
 * nobody reads, or that cannot be used, is an `InvalidParametersError` that names it.
 */
export interface ResourceManagerInit extends LimitsInit, FeatureOptions {
  /**
   * `false` turns the resource manager off: it wraps nothing and counts nothing, and
   * `getStreamScope` and `getConnectionScope` return scopes that accept everything.
   *
   * @default true
   */
  enabled?: boolean

  /**
   * `false` is a dry run: the manager counts and reports what it would have refused, and
   * lets it in.
   *
   * @default true
   */
  enforce?: boolean

  /**
   * Which protocols belong to which service: the name of the service, and its protocols. A
   * stream joins its service as soon as its protocol is known. Entries add to the built-in
   * table, or override it. A name such as `/orbitdb/*` stands for all protocols with this
   * beginning; an exact name counts first, then the most specific pattern. `false` also turns
   * off the built-in table.
   *
   * @default {}
   */
  services?: Record<string, string[]> | false

  /**
   * Memory that every connection and stream of a node reserves when it opens, in bytes, for its
   * own cost. So it is enough to limit memory. Connections and streams of remotes may fill
   * about 80% of a memory limit, and those of this node all of it. `false` reserves nothing.
   * The defaults are measured, by `bench/base-costs.ts`.
   *
   * A stand-alone manager does not do this.
   *
   * @default { connection: 65536, stream: 10240 }
   */
  baseCosts?: BaseCostsInit | false

  /**
   * The share of the transient scope that one remote may hold while little of it is left, above
   * 0, up to 1. A remote that never finishes a handshake then cannot keep others out. It
   * applies to inbound connections until their peer is known, by the IPv4 address, the IPv6 /56
   * or the relay that they come from, and to inbound streams until their protocol is known, by
   * their peer. Everybody may have at least one, and allowlisted addresses may have all. 1
   * means no such limit.
   *
   * A stand-alone manager does not do this.
   *
   * @default 0.25
   */
  transientShare?: number

  /**
   * How long a closed stream keeps its slot while its handler still runs, in ms. So a remote
   * cannot make a node run any number of handlers by resetting streams at once. The log
   * names handlers that run longer, and their slot is given back. `0` waits for none.
   *
   * @default 30000
   */
  handlerGrace?: number

  /**
   * The limits, bans and trusted addresses that this node shares with others, made by `fleet`
   * of `libp2p-resource-manager/fleet`. Its own limits always stand beside them.
   *
   * @default undefined
   */
  fleet?: FleetLink

  /**
   * A resource manager of your own, which decides instead of this one. The node calls its
   * `openConnection` and `openStream`, and `setPeer`, `setProtocol`, `setService` and `done` of
   * the scopes that they return, and passes on what handlers reserve. If it throws, the request
   * is refused. It starts and stops with the node.
   *
   * Ours then goes on counting, for metrics, `stat()` and sessions, but has no limits: options
   * for limits are errors.
   *
   * @default undefined
   */
  manager?: CustomResourceManager

  /**
   * Which parts the manager has, as values from `libp2p-resource-manager/features`, and no
   * others, in Node.js too: subnet limits, for one, may then be missing without an error. A page
   * does not download the others. An option whose feature is missing is an error, and a
   * method throws a `MissingFeatureError`.
   *
   * @default all of them, and none in browsers: nobody can connect to a page from an
   * address, and the limits of the scopes are always there
   */
  features?: Features

  /**
   * The logger of a stand-alone manager. A service of a node uses the logger of the node.
   *
   * @default defaultLogger()
   */
  logger?: ComponentLogger
}
