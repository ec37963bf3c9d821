import { below, chance, concat, disorder, oddVarint, randomBytes, randomLength, text, varint } from '../framework/bytes.ts'
import { ANSWER, DIAL, ECHO, OPEN } from '../framework/protocols.ts'
import type { Random } from '../../attacks/framework/random.ts'

export const MULTISTREAM = '/multistream/1.0.0'

/**
 * Protocols that a node speaks, and names that are something else in JavaScript
 */
export const PROTOCOLS = [
  '/noise', '/plaintext/2.0.0', '/tls/1.0.0', '/yamux/1.0.0', '/mplex/6.7.0',
  '/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0', '/libp2p/fetch/0.0.1',
  '/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop',
  ANSWER, DIAL, ECHO, OPEN
]

const ODD_PROTOCOLS = ['', 'ls', 'na', '/', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '/a/\u0000/\u001b[2J', '\ud800']

/**
 * How often something is asked that the victim has to answer
 */
const MAX_QUESTIONS = 2_000

export function encodeProtocol (protocol: string): Uint8Array {
  const bytes = text(`${protocol}\n`)

  return concat(varint(bytes.byteLength), bytes)
}

function oddMessage (random: Random): Uint8Array {
  switch (below(random, 5)) {
    case 0:
      return encodeProtocol(random.pick(ODD_PROTOCOLS))
    case 1:
      return encodeProtocol('a'.repeat(below(random, 2_000)))
    case 2:
      return concat(oddVarint(random), randomBytes(random, randomLength(random)))
    case 3:
      // no newline
      return concat(varint(4), text('/abc'))
    default: {
      const question = encodeProtocol(random.pick([MULTISTREAM, 'ls', '/not/there']))

      return concat(...Array.from({ length: below(random, MAX_QUESTIONS) }, () => question))
    }
  }
}

/**
 * A negotiation, in order or not
 */
export function multistreamMessages (random: Random, protocols: readonly string[] = PROTOCOLS): Uint8Array[] {
  const messages = [
    encodeProtocol(MULTISTREAM),
    ...(chance(random, 0.4) ? [oddMessage(random)] : []),
    encodeProtocol(random.pick(protocols))
  ]

  return chance(random, 0.6) ? messages : disorder(random, messages)
}
