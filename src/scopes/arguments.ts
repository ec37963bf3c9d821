import { InvalidParametersError } from '@libp2p/interface'
import { describe } from '../describe-value.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

export function checkSize (size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new InvalidParametersError(`size: expected a whole number of bytes from 0 to ${Number.MAX_SAFE_INTEGER}, got ${describe(size)}`)
  }
}

export function checkPriority (priority: number): void {
  if (!Number.isInteger(priority) || priority < 0 || priority > 255) {
    throw new InvalidParametersError(`priority: expected a whole number from 0 to 255, got ${describe(priority)}`)
  }
}

export function checkDirection (direction: MessageStreamDirection): void {
  if (direction !== 'inbound' && direction !== 'outbound') {
    throw new InvalidParametersError(`direction: expected "inbound" or "outbound", got ${describe(direction)}`)
  }
}

export function checkName (argument: 'service' | 'protocol', name: string): void {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidParametersError(`${argument}: expected a non-empty string, got ${describe(name)}`)
  }
}

export function checkPeer (peer: PeerId): void {
  if (peer?.toMultihash == null) {
    throw new InvalidParametersError(`peer: expected a PeerId, got ${describe(peer)}`)
  }
}
