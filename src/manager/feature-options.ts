import type { AdmissionOptions } from '../admission/admission-options.ts'
import type { BansInit } from '../bans/bans-init.ts'
import type { FairnessInit } from '../fairness/fairness-init.ts'
import type { PressureInit } from '../libp2p/pressure/process-pressure.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'
import type { MetricsReporter } from '../reporting/metrics-reporter.ts'
import type { TraceReporter } from '../reporting/trace-event.ts'
import type { SessionsInit } from '../sessions/sessions-init.ts'

/**
 * The options that features read. Options for limits are in `LimitsInit`.
 */
export interface FeatureOptions extends AdmissionOptions, PressureInit {
  /**
   * How full scopes are shared. When a scope that all share (transient, system, a protocol or a
   * service) is full, an inbound connection or stream takes the place of one of those who hold
   * most, if they hold more than its own network, subnet, host or peer by more than one. Among
   * streams, the one that has moved no byte for longest gives way, among connections the
   * youngest, among handshakes the oldest. Outbound connections, allowlisted ones and peers
   * with a keep-alive tag never give way. `false` refuses whoever comes last.
   *
   * A stand-alone manager does not do this.
   *
   * @default {}
   */
  fairness?: FairnessInit | false

  /**
   * Bans those who go on doing what they must not, and keeps them banned over a restart: first
   * a peer, then its host where that has several such peers and hardly any others, then the
   * subnet in the same way. A banned peer is refused as early as possible, its connections are
   * closed, and nobody gives way to it. Bans of peers apply to both directions, bans of
   * addresses only to what comes from there. Allowlisted ones are exempt, and so are the
   * addresses of `networks`, `trustedNetworks` and `trustedProxies`. `{}` is enough, and
   * without it nobody is ever banned.
   *
   * A stand-alone manager does not do this.
   *
   * @default undefined
   */
  bans?: BansInit | false

  /**
   * Reporters that are told of everything that happens in the graph of scopes, such as a
   * `traceFile`. Tracing makes a stream take about 40 times as long in the graph, 4 µs instead
   * of 0.1 µs. Without it there is no cost.
   *
   * @default []
   */
  trace?: TraceReporter[]

  /**
   * A reporter that is told of everything that is admitted and refused: go-libp2p's
   * `MetricsReporter`. A stream takes about three times as long to count (0.4 µs), a tenth of
   * what a `trace` takes, and there is no cost where it is left out.
   *
   * @default nobody
   */
  metricsReporter?: MetricsReporter

  /**
   * A second set of limits beside the enforced ones, to try a change on live traffic first. It
   * is counted and reported and never refuses anything: `manager.shadow` and the log say what
   * it would have refused. Limits that it leaves out are as in the limits in force. A stream
   * takes about four times as long to count with it (0.4 µs), and there is no cost where it is
   * left out.
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
   * Whether a node that has `metrics` also has those of the resource manager. A stand-alone
   * manager has none. `prometheusMetrics` does not depend on this option.
   *
   * @default true
   */
  metrics?: boolean

  /**
   * Whether to warn people who read no log, by a warning of the process, or of the console in a
   * page. There are warnings of limits that contradict each other when a node starts, of the
   * first refusal of a kind, of the usual cause of refusals like these, and of bans, each at
   * most once in ten minutes. Each has a code, such as `RESOURCE_MANAGER_REFUSAL`, for `node
   * --disable-warning`.
   *
   * @default true
   */
  warnings?: boolean
}
