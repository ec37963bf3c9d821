import { memoryAddress } from './fixtures/nodes.ts'
import { randomLives } from './suite/random-lives.ts'

describe('random lives of three nodes', () => {
  randomLives('memory', () => ({ addresses: { listen: [memoryAddress()] } }))
})
