import { invalid } from '../util/validation.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

export function checkSize (size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw invalid('size', `a whole number of bytes from 0 to ${Number.MAX_SAFE_INTEGER}`, size)
  }
}

export function checkPriority (priority: number): void {
  if (!Number.isInteger(priority) || priority < 0 || priority > 255) {
    throw invalid('priority', 'a whole number from 0 to 255', priority)
  }
}

export function checkDirection (direction: MessageStreamDirection): void {
  if (direction !== 'inbound' && direction !== 'outbound') {
    throw invalid('direction', '"inbound" or "outbound"', direction)
  }
}

export function checkName (argument: 'service' | 'protocol', name: string): void {
  if (typeof name !== 'string' || name === '') {
    throw invalid(argument, 'a non-empty string', name)
  }
}

export function checkPeer (peer: PeerId): void {
  if (peer?.toMultihash == null) {
    throw invalid('peer', 'a PeerId', peer)
  }
}
