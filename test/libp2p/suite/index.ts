import { connectionEndings } from './connection-endings.ts'
import { connectionRefusals } from './connection-refusals.ts'
import { failingDials } from './failing-dials.ts'
import { gaterCases } from './gaters.ts'
import { scopeCases } from './scopes.ts'
import { streamEndings } from './stream-endings.ts'
import { streamRefusals } from './stream-refusals.ts'
import type { TransportUnderTest } from './transport.ts'

/**
 * What the wiring must do on every transport
 */
export function wiringSuite (name: string, transport: TransportUnderTest): void {
  describe(`wiring: ${name}`, function () {
    // in browsers too, where CI has no rule for it
    this.retries(1)

    connectionEndings(transport)
    streamEndings(transport)
    failingDials(transport)
    gaterCases(transport)
    connectionRefusals(transport)
    streamRefusals(transport)
    scopeCases(transport)
  })
}
