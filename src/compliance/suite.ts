/**
 * The tests that a resource manager of somebody else has to pass.
 *
 * In: `describe` and `it` of a test runner, and a function that makes the resource manager.
 * Out: tests, more of them for a manager that refuses or has the whole interface.
 * Fails: a test throws an `Error` that says what was expected.
 * Costs: no test waits for time or opens a socket. Nothing of a test runner is imported.
 */

import { peerIdFromString } from '@libp2p/peer-id'
import { moving, opening, refusing } from './node-needs.ts'
import { accounting, changing, complete } from './whole-interface.ts'
import type { ComplianceInit } from './compliance-init.ts'

const PEERS = ['12D3KooWL7WNb8X5Z6vGyFzGrTJmHFtZZ8AjzqMuzZmVXZuyyyF7', '12D3KooWAddQKPFfFWsjvSAr2WfHgcrdAybP5t6BQAECgkyZfuvX']

/**
 * Defines the tests
 */
export function resourceManagerCompliance (init: ComplianceInit): void {
  const [peer, other] = PEERS.map(id => peerIdFromString(id))

  init.describe('a resource manager', () => {
    opening(init, peer)

    if (init.refuses === true) {
      refusing(init, peer, other)
      moving(init, peer, other)
    }

    if (init.complete === true) {
      complete(init, peer)
    }

    if (init.refuses === true && init.complete === true) {
      accounting(init, peer)
      changing(init, peer)
    }
  })
}
