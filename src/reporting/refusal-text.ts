import { formatSetting } from '../limits/setting.ts'
import { sharedText } from '../scopes/shared-limit.ts'
import { printable } from '../util/printable.ts'
import { requesterOf } from './requester.ts'
import { formatBytes } from './scope-state.ts'
import type { Refusal } from '../scopes/refusal.ts'

const NOUNS = {
  stream: 'stream',
  connection: 'connection',
  fd: 'file descriptor',
  memory: 'memory reservation'
}

function nounOf ({ request, resource }: Refusal): string {
  return NOUNS[request ?? (resource === 'subnet' || resource === 'rate' ? 'connection' : resource)]
}

/**
 * What was refused, with its number: `3 inbound streams`
 */
export function refusedText (refusal: Refusal, count: number): string {
  const { direction } = refusal

  return `${count} ${direction == null ? '' : `${direction} `}${nounOf(refusal)}${count === 1 ? '' : 's'}`
}

/**
 * The kind of limit that refused: `peer scopes`, `subnet limit`
 */
export function refuserText ({ kind, resource, scope }: Refusal): string {
  if (kind === 'collector') {
    return 'collectors'
  }

  if (resource === 'subnet' || resource === 'rate') {
    return `${kind} ${resource === 'rate' ? 'rate limit' : 'limit'}`
  }

  // of those whose kind is their name there is only one
  return scope === kind ? kind : `${kind} scopes`
}

/**
 * How full it is and what to change: `64 of 64 in use, see PeerDefault.StreamsInbound`. What wants memory
 * may want much, so that it does not fit into what looks empty.
 */
export function limitText ({ attempted, current, limit, request, resource, settingPath, shared }: Refusal): string {
  const format = resource === 'memory' ? formatBytes : String
  const setting = settingPath == null ? 'a custom limiter sets the limit' : `see ${formatSetting(settingPath)}`

  const wanted = resource === 'memory' && request === undefined ? `, ${format(attempted)} more wanted` : ''

  return `${format(current)} of ${format(limit)} in use${shared === undefined ? '' : ` here, fleet ${sharedText(shared, format)}`}${wanted}, ${setting}`
}

/**
 * Whose it was, as far as that is known: `peer 12D3…, /ip4/1.2.3.4/tcp/4001`
 */
export function requesterText (refusal: Refusal): string {
  const { address, peer, protocol, service } = requesterOf(refusal)
  const parts = Object.entries({ peer, address, protocol, service })
    .flatMap(([name, value]) => value == null ? [] : `${name} ${value}`)

  return printable(parts.join(', '))
}
