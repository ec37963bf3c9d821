import { echo } from '@libp2p/echo'
import { digest, someBytes } from '../framework/bytes.ts'
import { PATIENT } from '../framework/patience.ts'
import type { TransportUnderTest } from '../../libp2p/suite/transport.ts'
import type { Program } from '../framework/program.ts'

/**
 * `@libp2p/echo`, which sends everything at once and reads as it answers
 */
export function echoing (what: string, over: TransportUnderTest, length: number): Program {
  return {
    what,
    outcome: digest(someBytes(length)),
    run: async world => {
      const options = { connectionManager: PATIENT, services: { echo: echo() } }
      const { dialer, listener, address } = await over.connect(world, { dialer: options, listener: options })

      await dialer.dial(address)

      const answer = await dialer.services.echo.echo(listener.peerId, someBytes(length))

      return digest(answer.subarray())
    }
  }
}
