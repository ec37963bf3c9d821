import { FAIRNESS_OPTIONS, resolveFairness } from '../fairness/fairness-init.ts'
import { NodeFairness } from '../libp2p/fairness/node-fairness.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * Shares full scopes fairly, instead of keeping them for those who came first
 */
export const fairness = {
  name: 'fairness',
  options: FAIRNESS_OPTIONS,

  register (host) {
    const { core, options: { fairness: options }, parts, stats } = host

    if (options === false) {
      return
    }

    resolveFairness(options)

    host.nodeParts.push(({ components: { events, peerStore, upgrader }, connections, services, streams, transient }) => {
      const fairness = new NodeFairness({ manager: core, events, peerStore, connections, streams: streams.live, services, transient, upgrader }, options)
      const { handshakes, timeouts } = fairness

      if (handshakes !== undefined) {
        core.strangersConnections.push({ find: address => handshakes.find(address) })
        connections.handshakes = handshakes
      }

      core.findVictim = (refusal, newcomer) => fairness.findVictim(refusal, newcomer)
      streams.fairness = fairness
      parts.push(fairness)
      stats.push(() => ({ transientTimeouts: timeouts.stat() }))
    })
  }
} satisfies Feature<'fairness'>
