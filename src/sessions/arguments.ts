import { checkWholeNumber, invalid } from '../util/validation.ts'

export function checkText (argument: string, text: string): void {
  if (typeof text !== 'string') {
    throw invalid(argument, 'a string', text)
  }
}

export function checkSessionId (id: string): void {
  if (typeof id !== 'string' || id === '') {
    throw invalid('id', 'a non-empty string', id)
  }
}

/**
 * The id of a collector becomes part of a key in a datastore
 */
export function checkCollectorId (id: string): void {
  if (typeof id !== 'string' || !/^[0-9A-Za-z]+$/.test(id)) {
    throw invalid('id', 'letters and digits', id)
  }
}

export function checkBytes (bytes: number): void {
  checkWholeNumber('bytes', bytes, 0, Number.MAX_SAFE_INTEGER)
}

export function checkTopBitrate (bitrate: number): void {
  if (!Number.isFinite(bitrate) || bitrate < 0) {
    throw invalid('bitrate', 'a number of bit/s from 0', bitrate)
  }
}

/**
 * The id of the collector of a service. Ids have only letters and digits. Other characters in
 * the name of the service are left out, and the next letter becomes a capital:
 * `libp2p.relay/v2` becomes `libp2pRelayV2`.
 */
export function collectorId (service: string): string {
  return service.replace(/[^0-9A-Za-z]+([0-9A-Za-z]?)/g, (_, next: string) => next.toUpperCase())
}
