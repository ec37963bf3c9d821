import { World } from './world.ts'
import type { Program } from './program.ts'
import type { ResourceManagerInit } from '../../../src/index.ts'

/**
 * What a program came to, and what resource managers did meanwhile
 */
export interface Run {
  outcome: unknown

  /** What was refused or ended, until after the nodes have stopped */
  refusals: unknown[]

  /** What resource managers have logged as errors meanwhile */
  errors: string[]
}

/**
 * Runs a program and stops its nodes, which must hold nothing then
 *
 * @param program
 * @param manager - `false` for nodes without one
 */
export async function runProgram (program: Program, manager: ResourceManagerInit | false): Promise<Run> {
  const world = new World(manager)

  const outcome = await program.run(world).catch(async err => {
    const refusals = JSON.stringify(world.refusals())
    const errors = JSON.stringify(world.errors())

    await world.stop().catch(() => {})

    // what the program sees rarely says what has refused it
    throw new Error(`${err.message} (refused: ${refusals}, logged: ${errors})`, { cause: err })
  })

  await world.stop()

  return { outcome, refusals: world.refusals(), errors: world.errors() }
}
