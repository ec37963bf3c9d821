import type { FleetLink } from './fleet-link.ts'
import type { AdmissionOptions } from '../admission/admission-options.ts'
import type { BansInit } from '../bans/bans-init.ts'
import type { FairnessInit } from '../fairness/fairness-init.ts'
import type { Features } from '../features/features.ts'
import type { BaseCostsInit } from '../libp2p/connections/base-costs.ts'
import type { CustomResourceManager } from '../libp2p/custom-manager.ts'
import type { PressureInit } from '../libp2p/pressure/process-pressure.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'
import type { LimitsInit } from '../limits/resolve-limits.ts'
import type { MetricsReporter } from '../reporting/metrics-reporter.ts'
import type { TraceReporter } from '../reporting/trace-event.ts'
import type { SessionsInit } from '../sessions/sessions-init.ts'
import type { ComponentLogger } from '@libp2p/interface'

/**
 * The options of a resource manager. Each is checked when the manager is made: what nobody
 * reads, and what cannot be used, is an `InvalidParametersError` that names it.
 */
export interface ResourceManagerInit extends LimitsInit, AdmissionOptions, PressureInit {
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
   * table, or override it. A name such as `/orbitdb/*` stands for all protocols that begin
   * so; an exact name counts first, then the most specific pattern. `false` also turns off
   * the built-in table.
   *
   * @default {}
   */
  services?: Record<string, string[]> | false

  /**
   * Memory that every connection and stream of a node reserves when it opens, in bytes, for
   * what it weighs in itself. So it is enough to limit memory. What remotes open may fill
   * about 80% of a memory limit, and what this node opens all of it. `false` reserves
   * nothing. The defaults are measured, by `bench/base-costs.ts`.
   *
   * A stand-alone manager does not do this.
   *
   * @default { connection: 65536, stream: 10240 }
   */
  baseCosts?: BaseCostsInit | false

  /**
   * The share of the transient scope that one remote may hold while little of it is left,
   * above 0, up to 1. A remote that never finishes a handshake then cannot keep others out.
   * It applies to inbound connections until their peer is known, by the IPv4 address, the
   * IPv6 /56 or the relay that they come from, and to inbound streams until their protocol
   * is known, by their peer. Everybody may have one, and allowlisted addresses may have
   * all. 1 means no such limit.
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
   * How those who want more than there is share it. When a scope that all share (transient,
   * system, a protocol or a service) is full, an inbound connection or stream takes the place
   * of one of those who hold most, if they hold more than its own network, subnet, host or
   * peer by more than one. Of streams, the one that has moved no byte for longest gives way,
   * of connections the youngest, of handshakes the oldest. Outbound connections, allowlisted
   * ones and peers with a keep-alive tag never give way. `false` refuses whoever comes last.
   *
   * A stand-alone manager does not do this.
   *
   * @default {}
   */
  fairness?: FairnessInit | false

  /**
   * Bans those who go on doing what they must not, and keeps them banned over a restart:
   * first a peer, then its host where that has several such peers and hardly any others, then
   * the subnet in the same way. Who is banned is refused as early as possible, has its
   * connections closed, and makes nobody give way. Peers are banned in both directions,
   * addresses only for what comes from there. Allowlisted ones are exempt, and so are
   * the addresses of `networks`, `trustedNetworks` and `trustedProxies`. `{}` is enough, and
   * without it nobody is ever banned.
   *
   * A stand-alone manager does not do this.
   *
   * @default undefined
   */
  bans?: BansInit | false

  /**
   * Who is told of everything that happens in the graph of scopes, such as a `traceFile`.
   * Tracing makes a stream take about 40 times as long in the graph, 4 µs instead of 0.1 µs.
   * Without it there is no cost.
   *
   * @default []
   */
  trace?: TraceReporter[]

  /**
   * Who is told of what is admitted and refused: go-libp2p's `MetricsReporter`. A stream
   * takes about three times as long to count (0.4 µs), a tenth of what a `trace` takes, and
   * there is no cost where it is left out.
   *
   * @default nobody
   */
  metricsReporter?: MetricsReporter

  /**
   * A second set of limits beside the enforced ones, which is counted and reported and never
   * refuses anything, to try a change on live traffic first: `manager.shadow` says what it
   * would have refused, and the log does, apart from what is refused. What it leaves out is as
   * in the limits in force. A stream takes about four times as long to count with it
   * (0.4 µs), and there is no cost where it is left out.
   *
   * @default undefined
   */
  shadow?: PartialLimitConfig

  /**
   * Collectors that count who transfers how many bytes, by service. They can also refuse or
   * slow streams. By default nothing is counted.
   *
   * @default {}
   */
  sessions?: SessionsInit

  /**
   * The limits, bans and trusted addresses that this node shares with others: what `fleet` of
   * `libp2p-resource-manager/fleet` makes. Its own limits always stand beside them.
   *
   * @default undefined
   */
  fleet?: FleetLink

  /**
   * Whether a node that has `metrics` has those of the resource manager too. A stand-alone
   * manager has none, and `prometheusMetrics` is asked for where it is called.
   *
   * @default true
   */
  metrics?: boolean

  /**
   * Whether to warn those who do not look at any log, by a warning of the process, in a page
   * by one in the console: of limits that contradict each other when a node starts, the
   * first refusal of a kind, what usually causes refusals like these, and bans. Each comes
   * at most once in ten minutes. Each has a code, such as `RESOURCE_MANAGER_REFUSAL`, for
   * `node --disable-warning`.
   *
   * @default true
   */
  warnings?: boolean

  /**
   * A resource manager of your own, which decides instead of this one. The node calls its
   * `openConnection` and `openStream`, and `setPeer`, `setProtocol`, `setService` and `done` of
   * the scopes that they return, and passes on what handlers reserve. What it throws is
   * refused. It starts and stops with the node.
   *
   * This one goes on counting, for metrics, `stat()` and sessions, and has no limits then:
   * options for limits are errors.
   *
   * @default undefined
   */
  manager?: CustomResourceManager

  /**
   * Which parts the manager has, as values from `libp2p-resource-manager/features`. A page
   * does not download the others. An option whose feature is missing is an error, and a
   * method throws a `MissingFeatureError`.
   *
   * @default all of them, and none in browsers: nobody can connect to a page from an
   * address, and the limits of the scopes are always there
   */
  features?: Features

  /**
   * Where a stand-alone manager logs to. One that is a service of a node logs to
   * the logger of the node.
   *
   * @default defaultLogger()
   */
  logger?: ComponentLogger
}
