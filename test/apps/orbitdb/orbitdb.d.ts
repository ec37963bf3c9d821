/**
 * The part of OrbitDB, which has no types, that is used here
 */
declare module '@orbitdb/core' {
  import type { HeliaWithLibp2p } from '@helia/libp2p'
  import type { EventEmitter } from 'node:events'

  export interface Database {
    readonly address: string
    readonly events: EventEmitter
    add(value: unknown): Promise<string>
    iterator(): AsyncIterable<{ hash: string, value: unknown }>
  }

  export interface OrbitDB {
    open(address: string): Promise<Database>
    stop(): Promise<void>
  }

  export function createOrbitDB (init: { ipfs: HeliaWithLibp2p<any>, directory: string }): Promise<OrbitDB>
}
