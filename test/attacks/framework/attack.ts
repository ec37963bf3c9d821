import type { Target } from './target.ts'
import type { ResourceManagerInit } from '../../../src/index.ts'

/**
 * What the victim may come to during an attack. What is left out is not asserted.
 */
export interface Bounds {
  /**
   * By how much the resident memory of the victim may grow, in MiB
   */
  resident: number

  /**
   * Sockets, whatever becomes of them
   */
  sockets?: number

  /**
   * Connections whose peer is known
   */
  connections?: number

  /**
   * Streams of all connections
   */
  streams?: number

  /**
   * In the buffers of all streams, in MiB
   */
  buffered?: number

  /**
   * Handlers that run at a time
   */
  handlers?: number
}

/**
 * One idea of how to hurt a node
 */
export interface Attack {
  name: string

  /**
   * What the attackers do, for people
   */
  what: string

  /**
   * How many processes attack. Each runs `run`.
   */
  attackers: number

  /**
   * How long it lasts, in ms, if it is not over before. It goes on until something is refused, which
   * is up to the machine; one that is `late` lasts so long from then on.
   *
   * @default 4000
   */
  duration?: number

  /**
   * `trusted` where the attack may take all there is for strangers, so that only
   * allowlisted peers are served
   */
  honest: 'stranger' | 'trusted'

  /**
   * Whether the honest peer has no connection when the attack begins, and comes when the
   * attackers hold so much that somebody is refused or has to give way
   *
   * @default false
   */
  late?: boolean

  /**
   * `roomy`: little memory, few connections, and nothing of what libp2p limits itself.
   * `default`: all defaults, of libp2p and of the resource manager, in 1 GiB of memory. Three
   * are served then: a stranger, an allowlisted peer, and one that downloads 2 MiB again and again.
   *
   * @default roomy
   */
  setup?: 'roomy' | 'default'

  /**
   * What the victim listens to. With `relay` it is TCP, and a relay.
   *
   * @default tcp
   */
  via?: 'tcp' | 'websockets' | 'relay'

  /**
   * What the resource manager is configured with beside what all victims have
   */
  manager?: ResourceManagerInit

  /**
   * `false` where it may go on without anything being refused, because what it leaves
   * behind is made to weigh little
   *
   * @default true
   */
  refused?: boolean

  bounds: Bounds

  /**
   * Attacks, until the signal of the target or until there is nothing left to do, and
   * keeps what it has got: it is taken away when the process ends
   */
  run (target: Target): Promise<void>
}
