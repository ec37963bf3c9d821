import { ADMISSION_OPTIONS } from '../admission/admission-options.ts'
import { Admission } from '../admission/admission.ts'
import { Allowlist } from '../admission/allowlist.ts'
import { NodePeerTags } from '../libp2p/connections/peer-tags.ts'
import { isInfinite } from '../limits/infinite-limits.ts'
import { AdmittedConnections } from '../manager/admitted-connections.ts'
import type { Core } from '../manager/core.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * What is decided by address: the allowlist, how many connections there may be with a
 * subnet or network, and how often remote peers may open connections and streams
 */
export const admission = {
  name: 'admission',
  options: ADMISSION_OPTIONS,

  register (host) {
    const { core, core: { graph }, limits } = host
    const admission = new Admission({
      ...host.options,
      warn: message => { core.warn(message) },
      allowlistedConns: limits.limiter.getAllowlistedSystemLimits().conns
    })

    core.trust.admission = admission
    checkConnections(core, admission)

    // streams are asked about nothing until there are rates for them, which may be later
    let asksStreams = false
    const ratesChanged = (): void => {
      if (!asksStreams && admission.streamRates !== undefined) {
        asksStreams = true
        checkStreams(core, admission)
      }
    }

    ratesChanged()
    graph.admission = new AdmittedConnections(graph, admission, () => core.findFull?.())

    host.parts.push(admission)
    host.notes.push(() => admission.allowlist.namesPeers ? [`places kept wherever they are: ${admission.allowlist.peersText}`] : [])

    host.limitObservers.push(config => {
      // unlimited means that nothing is refused, by subnet and rate limits neither
      admission.settings.lifted = config != null && isInfinite(config)
      admission.allowlistedConns = graph.allowlisted.system.limit.conns
    })

    host.methods.admission = {
      allowlist: admission.allowlist,
      addPrefixLimit: limit => { admission.settings.addPrefixLimit(limit) },
      removePrefixLimit: network => admission.settings.removePrefixLimit(network),
      setAdmission: options => {
        admission.settings.change(options)
        ratesChanged()
        host.log('changed %s', Object.keys(options).join(', '))
      }
    }

    host.nodeParts.push(({ components: { events, peerStore }, connections }) => {
      connections.peerTags = new NodePeerTags(events, peerStore, admission.allowlist)
    })
  },

  off: () => ({ allowlist: new Allowlist() })
} satisfies Feature<'admission'>

/**
 * What is asked about addresses, beside whether they are trusted
 */
function checkConnections (core: Core, admission: Admission): void {
  core.connectionChecks.push({
    find: (direction, _endpoint, ip) => admission.peek(ip, direction),
    take: (direction, _endpoint, ip) => admission.admit(ip, direction)
  })
}

function checkStreams ({ protocolChecks, streamChecks }: Core, admission: Admission): void {
  streamChecks.push({
    find: peer => admission.streamRates?.peek(peer),
    take: peer => admission.admitStream(peer)
  })

  protocolChecks.push({
    find: (protocol, peer) => admission.streamRates?.peekProtocol(protocol, peer),
    take: (protocol, peer) => admission.admitProtocol(protocol, peer)
  })
}
