/**
 * The process of an attacker
 */

import { once } from 'node:events'
import { multiaddr } from '@multiformats/multiaddr'
import { findAttack } from '../index.ts'
import { childOptions, serve } from './serve.ts'
import { Target } from './target.ts'

export interface AttackerOptions {
  /** The name of the attack */
  attack: string

  /** Where the victim listens */
  address: string

  /** The address of the relay over which it can be reached too */
  relay?: string

  /** Which of the attackers this is */
  attacker: number

  /** How long the attack lasts at most, in ms */
  duration: number
}

const { attack, address, relay, attacker, duration } = childOptions<AttackerOptions>()

// an attacker does what libp2p does not expect, and goes on
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

const stopping = new AbortController()

serve({
  attack: async () => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(duration)])

    // the victim may leave it waiting for an answer
    await Promise.race([
      findAttack(attack).run(new Target(multiaddr(address), attacker, signal, relay == null ? undefined : multiaddr(relay))),
      once(signal, 'abort')
    ])
  },
  /** It has lasted long enough */
  stop: () => { stopping.abort() }
})
