import { macrotask } from './world.ts'
import type { Side, World } from './world.ts'
import type { AbstractMultiaddrConnection } from '@libp2p/utils'

/**
 * Something that goes wrong at one side
 */
export interface Fault {
  /**
   * Nothing is left of the connection after that, without anybody's help
   */
  ends?: boolean
  cause(world: World, side: Side): unknown
}

const ERROR = new Error('a fault')

function rawEnd ({ raw }: World, side: Side): AbstractMultiaddrConnection | undefined {
  return raw[side] as AbstractMultiaddrConnection | undefined
}

/**
 * What happens to the connection, or is done to it at either end
 */
export const CONNECTION_FAULTS: Record<string, Fault> = {
  'aborts the raw connection': {
    ends: true,
    cause: (world, side) => rawEnd(world, side)?.abort(ERROR)
  },
  'closes the raw connection': {
    ends: true,
    async cause (world, side) {
      const connection = rawEnd(world, side)

      // yamux would try to answer what it reads, and throw where nobody can catch it
      connection?.pause()
      await connection?.close()
    }
  },
  'loses the raw connection': {
    ends: true,
    cause: (world, side) => rawEnd(world, side)?.onTransportClosed(ERROR)
  },
  'receives garbage, and then a reset': {
    ends: true,
    async cause (world, side) {
      const connection = rawEnd(world, side)

      connection?.onData(new Uint8Array(100).fill(0xff))
      await macrotask()
      connection?.abort(ERROR)
    }
  },
  'aborts the connection': {
    cause: (world, side) => world.connection(side)?.abort(ERROR)
  },
  'closes the connection': {
    cause: async (world, side) => world.connection(side)?.close()
  },
  'stops the node': {
    ends: true,
    cause: async ({ nodes }, side) => nodes[side].stop()
  },
  'has no room any more': {
    cause ({ nodes }, side) {
      const none = { conns: 0, streams: 0, memory: 0 }

      nodes[side].services.resourceManager.setLimits({ system: none, transient: none })
    }
  }
}

export const GATER_FAULTS: Record<string, Fault> = {
  'has a gater that denies': {
    cause: ({ moods }, side) => { moods[side].gater = 'denies' }
  },
  'has a gater that throws': {
    cause: ({ moods }, side) => { moods[side].gater = 'throws' }
  }
}

export const STREAM_FAULTS: Record<string, Fault> = {
  'resets all streams': {
    cause: (world, side) => world.connection(side)?.streams.slice().forEach(stream => { stream.abort(ERROR) })
  },
  'closes all streams': {
    cause: async (world, side) => Promise.all(world.connection(side)?.streams.map(async stream => stream.close()) ?? [])
  },
  'has a handler that throws': {
    cause: ({ moods }, side) => { moods[side].handler = 'throws' }
  },
  'has a middleware that throws': {
    cause: ({ moods }, side) => { moods[side].middleware = 'throws' }
  }
}

/**
 * Whoever began the scenario gives up
 */
export const GIVING_UP: Fault = {
  cause: ({ user }) => { user.abort(ERROR) }
}
