import type { ResourceManager, ResourceScope } from '../../src/index.ts'

const BUSIEST = 3

/**
 * `12 of 48`, and a bar
 */
function used (value: number, limit: number): string {
  if (limit === Infinity) {
    return `${value} of unlimited`.padEnd(30)
  }

  const share = limit === 0 ? 0 : Math.min(1, value / limit)

  return `${`${value} of ${limit}`.padEnd(14)} ${'█'.repeat(Math.round(share * 12)).padEnd(12, '·')}  `
}

function row (scope: ResourceScope, label = scope.name): string {
  const { limit } = scope
  const stat = scope.stat()

  return `  ${label.padEnd(26)}` +
    used(stat.numConnsInbound, limit.connsInbound) +
    used(stat.numStreamsInbound, limit.streamsInbound)
}

/**
 * What is used of what limit, and what was refused
 */
export function scopeTable (manager: ResourceManager): string[] {
  const { peers, services } = manager.stat()
  const busiestPeers = manager.listPeers()
    .sort((a, b) => peers[b.toString()].numStreamsInbound - peers[a.toString()].numStreamsInbound)
    .slice(0, BUSIEST)
  const busiestServices = Object.keys(services)
    .sort((a, b) => services[b].numStreamsInbound - services[a].numStreamsInbound)
    .slice(0, BUSIEST)
  const refusals = manager.refusals().sort((a, b) => b.count - a.count)

  return [
    `  ${'scope'.padEnd(26)}${'inbound connections'.padEnd(29)}inbound streams`,
    manager.viewSystem(row),
    manager.viewTransient(row),
    ...busiestPeers.map(peer => manager.viewPeer(peer, scope => row(scope, `peer:…${peer.toString().slice(-8)}`))),
    ...busiestServices.map(service => manager.viewService(service, scope => row(scope))),
    '',
    refusals.length === 0
      ? '  nothing refused yet'
      : '  refused: ' + refusals.map(({ kind, resource, direction, count }) => `${count} × ${direction ?? 'any'} ${resource} by ${kind}`).join(', ')
  ]
}

/**
 * Draws over what it has drawn before where that is possible
 */
export class Screen {
  #lines = 0

  draw (lines: string[]): void {
    if (process.stdout.isTTY && this.#lines > 0) {
      process.stdout.write(`\x1b[${this.#lines}A\x1b[J`)
    }

    this.#lines = lines.length
    process.stdout.write(`${lines.join('\n')}\n`)
  }
}
