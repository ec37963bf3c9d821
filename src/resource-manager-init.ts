import type { AdmissionOptions } from './admission/admission-options.ts'
import type { FairnessInit } from './fairness/fairness-init.ts'
import type { Features } from './features/features.ts'
import type { BaseCostsInit } from './libp2p/base-costs.ts'
import type { CustomResourceManager } from './libp2p/custom-manager.ts'
import type { PressureInit } from './libp2p/process-pressure.ts'
import type { LimitsInit } from './limits/resolve-limits.ts'
import type { TraceReporter } from './reporting/trace-event.ts'
import type { SessionsInit } from './sessions/service-collectors.ts'
import type { ComponentLogger } from '@libp2p/interface'

export interface ResourceManagerInit extends LimitsInit, AdmissionOptions, PressureInit {
  /**
   * `false` is an off switch: nothing is wrapped, nothing is counted, and
   * `getStreamScope` and `getConnectionScope` answer with scopes that accept
   * everything.
   *
   * @default true
   */
  enabled?: boolean

  /**
   * `false` is a dry run: everything that would have been refused is counted and
   * reported, and let in.
   *
   * @default true
   */
  enforce?: boolean

  /**
   * Which protocols belong to which service, so that streams get their service
   * without a change in the protocols. It is merged into the built-in table: a
   * protocol that is named here belongs to the service that is named here. A name such as
   * `/orbitdb/*` is for all protocols that begin so, and the most specific one counts.
   * `false` turns off the built-in table too.
   *
   * @default {}
   */
  services?: Record<string, string[]> | false

  /**
   * Memory that every connection and stream of a node reserves when it opens, for
   * what it weighs in itself: with it the number of connections and streams can be
   * unlimited, and only memory be limited. Those that the remote opens may fill
   * about 80% of a memory limit, and those that this node opens all of it. `false`
   * reserves nothing.
   *
   * A stand-alone manager does not do this.
   *
   * @default { connection: 65536, stream: 10240 }
   */
  baseCosts?: BaseCostsInit | false

  /**
   * Which part of the inbound connections and streams that the transient scope may
   * hold one remote may have: connections by the IPv4 address or IPv6 /56 of the remote, or by the relay that they
   * come over, until its
   * peer id is known, and streams by its peer id, until their protocol is known. With it
   * a remote that never finishes a handshake cannot keep the others out. Everybody may
   * have one, and allowlisted addresses may have all. A number above 0, and 1 for no
   * such limit.
   *
   * A stand-alone manager does not do this.
   *
   * @default 0.25
   */
  transientShare?: number

  /**
   * How long after a stream was closed its scope is kept while its handler still
   * runs, in ms, so that a remote that resets streams at once cannot make a node run
   * any number of handlers. Handlers that run longer are named in the log, and not
   * waited for. `0` waits for none.
   *
   * @default 30000
   */
  handlerGrace?: number

  /**
   * How those who want more than there is share it. While a scope that all share (transient,
   * system, a protocol or a service) is full, an inbound connection or stream takes the
   * place of one of those who hold most, if they hold more than its own network, subnet,
   * host or peer by more than one. What holds a protocol or service longest without a byte gives way, the youngest connection, or the
   * oldest handshake. Outbound connections, allowlisted ones and peers with a keep-alive tag
   * never do. `false` refuses whoever comes last.
   *
   * A stand-alone manager does not do this.
   *
   * @default {}
   */
  fairness?: FairnessInit | false

  /**
   * Who is told of everything that happens in the graph of scopes, such as a
   * `traceFile`. It takes time, so it is for finding out what goes on in a node, and
   * there is no cost without.
   *
   * @default []
   */
  trace?: TraceReporter[]

  /**
   * Who transfers how many bytes, by service. Nothing is counted by default.
   *
   * @default {}
   */
  sessions?: SessionsInit

  /**
   * Whether a node that has `metrics` has those of the resource manager too. A stand-alone
   * manager has none, and `prometheusMetrics` is asked for where it is called.
   *
   * @default true
   */
  metrics?: boolean

  /**
   * Whether what somebody should know who does not look at any log is a warning of the
   * process, in a page one in the console: limits that contradict each other when a node
   * starts, the first refusal of a kind, what usually causes refusals like these, and bans.
   * Each of them comes at most once in ten minutes. Each has a code, such as
   * `RESOURCE_MANAGER_REFUSAL`, which `node --disable-warning` takes.
   *
   * @default true
   */
  warnings?: boolean

  /**
   * A resource manager of your own, which is asked wherever this one would be: its
   * `openConnection` and `openStream`, and `setPeer`, `setProtocol`, `setService` and `done` of
   * the scopes that they answer with, and what handlers reserve. What it throws is refused. It is
   * started and stopped with the node.
   *
   * This one goes on counting, for metrics, `stat()` and sessions, and has no limits of its
   * own then: options for limits are refused.
   *
   * @default undefined
   */
  manager?: CustomResourceManager

  /**
   * Which parts the manager has, as values from `libp2p-resource-manager/features`, so that
   * a page does not download what it does not use. An option whose feature is left out is
   * refused, and a method throws a `MissingFeatureError`.
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
