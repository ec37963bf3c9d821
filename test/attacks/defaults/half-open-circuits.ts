import type { Attack } from '../framework/attack.ts'

const CIRCUITS = 14

/**
 * A relay is one remote like others, whoever comes over it
 */
export const halfOpenCircuits: Attack = {
  name: 'half-open-circuits',
  what: 'one peer behind one relay opens 14 circuits and never begins with a handshake',
  setup: 'default',
  via: 'relay',
  attackers: 1,
  honest: 'stranger',
  refused: false,
  bounds: { resident: 128 },
  run: async (target) => {
    const open = await target.startCircuits(0)

    while (!target.signal.aborted) {
      await target.repeat(CIRCUITS, CIRCUITS, open)
      // about one a second keeps it up
      await target.repeat(1, 1, async () => new Promise(resolve => setTimeout(resolve, 1_000)))
    }
  }
}
