import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { randomLives } from './suite/random-lives.ts'

describe('random lives of three nodes', () => {
  randomLives('tcp', () => ({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()] }))
  randomLives('websockets', () => ({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] }, transports: [webSockets()] }))
})
