import { Sessions } from '../libp2p/sessions/node-sessions.ts'
import { SessionRegistry } from '../sessions/registry.ts'
import { ServiceCollectors } from '../sessions/service-collectors.ts'
import { CONNECTIONS, SESSIONS_OPTIONS } from '../sessions/sessions-init.ts'
import type { FeatureHost, Feature } from '../manager/feature.ts'
import type { SessionsInit } from '../sessions/sessions-init.ts'

/**
 * Who transfers how many bytes: collectors, their limits and throttling
 */
export const sessions = {
  name: 'sessions',
  options: SESSIONS_OPTIONS,

  register (host) {
    const { log, options: { sessions: init }, persistence } = host
    const registry = new SessionRegistry({ log, persistence, observer: host.sessionObserver })

    host.parts.push(registry)
    host.methods.sessions = { sessions: registry }
    host.metricsSource.sessions = registry

    if (init != null) {
      collect(host, init, registry)
    }
  },

  off: () => ({ sessions: new SessionRegistry() })
} satisfies Feature<'sessions'>

/**
 * Some services have collectors
 */
function collect ({ core, metricsSource, nodeParts, refusalObservers }: FeatureHost, init: SessionsInit, registry: SessionRegistry): void {
  const collectors = new ServiceCollectors(init, registry, core.enforces)
  let sessions: Sessions | undefined

  core.collectors = collectors
  core.graph.serviceGate = collectors.gate((scope, service) => { sessions?.joined(scope, service) })
  refusalObservers.push(refusal => { collectors.refused(refusal) })
  metricsSource.sessionRefusals = () => collectors.refusals

  nodeParts.push(({ connections, streams }) => {
    sessions = new Sessions(core, collectors)
    connections.sessions = streams.sessions = sessions
    core.peerChecks.push({ find: direction => collectors.findRefusal(CONNECTIONS, 'connection', direction) })
  })
}
