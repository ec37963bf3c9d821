import { printable } from '../util/printable.ts'
import type { Ban } from './ban.ts'

/**
 * The line of the log for a ban, which tools such as fail2ban and CrowdSec read: nothing before
 * `reason` has spaces in it, and the text that a remote may influence is quoted and comes last.
 *
 * @param ban
 * @param enforce - whether anybody is refused because of it
 */
export function banLine (ban: Ban, enforce: boolean): string {
  const { address, begin, end, level, reason, target } = ban
  const where = level === 'peer' ? address : withoutFullLength(target)
  const peer = level === 'peer' ? target : '-'

  return `${enforce ? 'banned' : 'would have banned'} level=${level} address=${where ?? '-'} peer=${peer} ` +
    `seconds=${Math.round((end - begin) / 1_000)} reason=${JSON.stringify(printable(reason))}`
}

/**
 * An address for firewalls, which write the network of one host without its length
 */
function withoutFullLength (network: string): string {
  return network.replace(network.includes(':') ? /\/128$/ : /\/32$/, '')
}
