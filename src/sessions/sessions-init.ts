import { ANY, BOOLEAN } from '../util/description.ts'
import { join } from '../util/problems.ts'
import { checkList, invalid } from '../util/validation.ts'
import { collectorId } from './arguments.ts'
import { COLLECTOR_OPTIONS, resolveCollectorConfig } from './collector-config.ts'
import type { CollectorConfig, ResolvedCollectorConfig } from './collector-config.ts'
import type { ThrottleInit } from './stream-budgets.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * In place of a service: the collector of whole connections
 */
export const CONNECTIONS = 'connections'

/**
 * The collector of a service, and what its limits mean for the service
 */
export interface ServiceCollectorConfig extends CollectorConfig {
  /**
   * Other services that have a collector. Their bit rates and that of this service
   * together are compared with the limits of this one.
   *
   * @default []
   */
  companions?: string[]

  /**
   * `true` slows the streams of the service together to `maxRxBitrate` and
   * `maxTxBitrate`, at least one of which is needed then, instead of refusing new ones
   * because of the bit rate. They are slowed by back-pressure: nothing is lost or
   * delayed that has arrived, and `pause` and `resume` remain the application's.
   *
   * The rate is an average. Streams that have waited receive up to what their muxer
   * lets the remote send at once, 256 KiB for yamux to begin with. Remotes cannot be
   * held back where the muxer (mplex, WebRTC) or, for `connections`, the transport
   * (WebSockets) has no way to: there `maxRxBitrate` has no effect. And what an
   * application sends although `send` has answered `false` waits in memory.
   *
   * Cannot be combined with `companions`. In a dry run nothing is slowed.
   *
   * @default false
   */
  throttle?: boolean
}

/**
 * Which services have a collector, and how fast streams may be
 */
export interface SessionsInit {
  /**
   * Collectors by the name of the service whose streams they observe, as in `services`
   * or as it is given to `setService`. Each stream is a session: its id is the name
   * of the stream's scope, its reference the protocol and its peer the peer id. Its location
   * is the address of the remote without the peer: the one that was dialled, and for
   * inbound connections the IP address alone (`/ip4/192.0.2.1`), or the relay
   * (`/p2p/RELAY/p2p-circuit`), as the port is another one each time. `connections` stands for whole connections, with
   * all that is sent on them, encrypted: there the reference is the direction. It
   * cannot be the name of a service. A name such as `orbitdb.*` is for all services that
   * begin so, which share the collector.
   *
   * Bytes count as received when they arrive from the remote, whether or not
   * somebody ever reads them, and as sent when they are handed to the connection.
   * A session ends when its stream is closed, or has been idle for the
   * `sessionTimeout`. In the latter case there is a new session, with the same id, as
   * soon as the stream goes on. Where the `limiter` of the collector does not allow
   * the IP address of the remote, there is no session.
   *
   * While there are as many sessions as `maxSessions`, and while the bit rate is above
   * `maxRxBitrate` or `maxTxBitrate`, new streams of the service (new connections for
   * `connections`) are refused, whatever their address.
   *
   * A session adds about 1.6 KB of heap to a stream, and counting the bytes of a message
   * takes some 30 ns, and some 60 ns with 100,000 sessions (`bench/sessions.ts`).
   *
   * The collectors are in the registry of the resource manager, with letters and
   * digits as ids: `libp2p.ping` is `resourceManager.sessions.collector('libp2pPing')`,
   * see `collectorId`.
   *
   * @default {}
   */
  collectors?: Record<string, ServiceCollectorConfig>

  /**
   * Slows streams, of whatever service, to bit rates for the whole node and for each
   * peer. It works as the `throttle` of a collector does, needs no collector, and adds
   * up with it: a stream obeys all that it is part of.
   *
   * @default {}
   */
  throttle?: ThrottleInit
}

/**
 * Everything that could be wrong, before anything is registered
 */
export function checkCollectors (collectors: Record<string, ServiceCollectorConfig>): Map<string, ResolvedCollectorConfig> {
  const configs = new Map<string, ResolvedCollectorConfig>()
  const services = new Map<string, string>()

  for (const [service, config] of Object.entries(collectors)) {
    const field = join('sessions.collectors', service)
    const id = collectorId(service)
    const other = services.get(id)

    if (id === '') {
      throw invalid('sessions.collectors', 'names of services with letters or digits', service)
    }

    if (other != null) {
      throw invalid('sessions.collectors', `one service for the id ${id}, as ${JSON.stringify(other)} has it`, service)
    }

    const resolved = resolveCollectorConfig(config, field)

    checkCompanions(`${field}.companions`, service, config.companions, collectors)
    checkThrottle(`${field}.throttle`, config, resolved)
    configs.set(service, resolved)
    services.set(id, service)
  }

  return configs
}

function checkCompanions (field: string, service: string, companions: string[] | undefined, collectors: Record<string, ServiceCollectorConfig>): void {
  checkList(field, companions)

  companions?.forEach((companion, index) => {
    if (companion === service || !Object.hasOwn(collectors, companion)) {
      throw invalid(`${field}[${index}]`, 'another service that has a collector', companion)
    }
  })
}

function checkThrottle (field: string, { companions = [], throttle = false }: ServiceCollectorConfig, { maxRxBitrate, maxTxBitrate }: ResolvedCollectorConfig): void {
  if (typeof throttle !== 'boolean') {
    throw invalid(field, 'true or false', throttle)
  }

  if (throttle && companions.length > 0) {
    throw invalid(field, 'false where there are companions', throttle)
  }

  if (throttle && maxRxBitrate === 0 && maxTxBitrate === 0) {
    throw invalid(field, 'false where there is neither a maxRxBitrate nor a maxTxBitrate', throttle)
  }
}

const BITRATES = { maxRxBitrate: ANY, maxTxBitrate: ANY } as const

/**
 * Who transfers how many bytes
 */
export const SESSIONS_OPTIONS = {
  sessions: {
    collectors: { '*': { ...COLLECTOR_OPTIONS, companions: ANY, throttle: BOOLEAN } },
    throttle: { system: BITRATES, peer: BITRATES }
  }
} as const satisfies { sessions: DescriptionOf<SessionsInit> }
