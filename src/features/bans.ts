import { BANS_OPTIONS, resolveBans } from '../bans/bans-init.ts'
import { NodeBans } from '../libp2p/connections/node-bans.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * Bans those who go on doing what they must not: the option `bans`, `manager.bans` and
 * `manager.report`
 */
export const bans = {
  name: 'bans',
  options: BANS_OPTIONS,

  register (host) {
    const { core, options: { bans: options, fairness: groups }, notes, parts, stats } = host

    if (options == null || options === false) {
      return
    }

    resolveBans(options)

    host.nodeParts.push(({ components: { datastore, peerId }, connections }) => {
      const bans = new NodeBans({
        datastore,
        peerId,
        manager: core,
        warnProcess: (code, message) => { host.warnProcess(code, message) },
        connections,
        groups
      }, options)

      core.graph.bans = bans
      host.bans = bans.keeper
      host.report = (peer, reason, strikes) => { bans.report(peer, reason, strikes) }
      parts.push(bans)
      stats.push(() => ({ bans: bans.stat() }))
      notes.push(() => bans.notes())
    })
  }
} satisfies Feature<'bans'>
