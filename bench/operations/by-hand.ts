import { FairPool } from '../../src/fairness/fair-pool.ts'
import { createManager, LIMITED, openStream } from './operation.ts'
import type { Operation } from './operation.ts'
import type { GroupPath } from '../../src/fairness/fair-pool.ts'
import type { PeerId } from '@libp2p/interface'

const MANY_PEERS = 1_000
const NETWORKS = 100

/**
 * How many streams each peer has
 */
const HELD = 4

const BUFFERED = 4096

/**
 * All networks have as many peers
 */
function pathOf (i: number): GroupPath {
  const network = `10.${i % NETWORKS}`
  const subnet = `${network}.${Math.floor(i / NETWORKS)}`

  return [`${network}.0.0/16`, `${subnet}.0/24`, `${subnet}.1`, `peer-${i}`]
}

/**
 * What go-libp2p has nothing for, beside the least that would do: a `Map` with what each peer
 * has. That knows no networks, nor who has been idle, and counts bytes in two places instead of
 * seven.
 */
export function byHandOperations ([peer]: PeerId[]): Operation[] {
  return [
    {
      name: `who gives way, ${MANY_PEERS} peers`,
      prepare () {
        const pool = new FairPool<number>()
        let rank = 0
        let next = 0

        for (let i = 0; i < MANY_PEERS * HELD; i++) {
          pool.add(i, pathOf(i % MANY_PEERS), rank++)
        }

        const greedy = pathOf(MANY_PEERS - 1)

        return () => {
          // one peer takes one too many, and gives it to another one that has less
          const members = [pool.add(0, greedy, rank++), pool.add(0, greedy, rank++)]
          const victim = pool.find(pathOf(next))

          next = (next + 1) % (MANY_PEERS - 1)

          if (victim === undefined) {
            throw new Error('nobody gives way')
          }

          members.forEach(member => { pool.remove(member) })
        }
      }
    },
    {
      name: `who gives way, ${MANY_PEERS} peers, a Map by hand`,
      timeOnly: true,
      prepare () {
        const held = new Map<string, number[]>()

        for (let i = 0; i < MANY_PEERS * HELD; i++) {
          const key = `peer-${i % MANY_PEERS}`

          held.set(key, [...held.get(key) ?? [], i])
        }

        const greedy = held.get(`peer-${MANY_PEERS - 1}`) as number[]

        return () => {
          greedy.push(0, 0)

          let most: number[] = []

          for (const streams of held.values()) {
            if (streams.length > most.length) {
              most = streams
            }
          }

          if (most !== greedy) {
            throw new Error('the wrong one gives way')
          }

          greedy.length -= 2
        }
      }
    },
    {
      name: 'bytes in a buffer counted, and not any more',
      prepare () {
        const stream = openStream(createManager(LIMITED), peer)

        return () => {
          stream.addBuffers(BUFFERED)
          stream.addBuffers(-BUFFERED)
        }
      }
    },
    {
      name: 'bytes in a buffer counted, and not any more, a Map by hand',
      timeOnly: true,
      prepare () {
        const held = new Map<string, number>()
        const key = peer.toString()
        let total = 0

        const count = (bytes: number): void => {
          held.set(key, (held.get(key) ?? 0) + bytes)
          total += bytes
        }

        return () => {
          count(BUFFERED)
          count(-BUFFERED)

          if (total !== 0) {
            throw new Error('bytes are left')
          }
        }
      }
    }
  ]
}
