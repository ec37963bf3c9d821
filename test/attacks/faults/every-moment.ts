import { expect } from 'aegir/chai'
import { Moments } from './moments.ts'
import { echo } from './scenarios.ts'
import type { Fault } from './faults.ts'
import type { Scenario } from './scenarios.ts'
import type { UncaughtErrors } from './uncaught-errors.ts'
import type { Side, World } from './world.ts'

export interface Trial {
  world: World
  scenario: Scenario
  fault: Fault
  side: Side
  uncaught: UncaughtErrors

  /**
   * Tells of every await that goes on, until the returned function is called
   */
  followAwaits?(moments: Moments): () => void
}

/**
 * How long a scenario may take, in ms: longer than all timeouts of libp2p that it may
 * run into
 */
const PATIENCE = 15_000

/**
 * Runs a scenario again and again, and lets a fault happen one moment later each time,
 * until it is over before the fault can happen
 *
 * @returns How many moments it has
 */
export async function atEveryMoment (trial: Trial): Promise<number> {
  for (let moment = 0; ; moment++) {
    const moments = new Moments(moment, () => { trial.world.cause(async () => trial.fault.cause(trial.world, trial.side)) })

    try {
      if (!await survives(trial, moments)) {
        return moment
      }
    } catch (err: any) {
      err.message = `moment ${moment}, ${moments.where ?? 'without the fault'}: ${err.message}`
      throw err
    }
  }
}

/**
 * @returns Whether the fault has happened
 */
async function survives ({ world, scenario, fault, uncaught, followAwaits }: Trial, moments: Moments): Promise<boolean> {
  world.begin(new Moments())
  await inTime(scenario.prepare?.(world))

  world.moments = moments

  const unfollow = followAwaits?.(moments)
  const [result] = await inTime(Promise.allSettled([scenario.run(world)]))

  unfollow?.()

  if (moments.where == null) {
    expect(result, 'the scenario without a fault').to.have.property('status', 'fulfilled')
    world.begin(new Moments())
    await echo(world.connection('dialer') ?? await world.connect())
  }

  await world.end()
  await world.expectNoStreams()
  await world.expectNothing(fault.ends === true && moments.where != null && world.raw.dialer != null)
  await world.restart()
  expect(uncaught.take(), 'errors that nobody has caught').to.deep.equal([])

  return moments.where != null
}

async function inTime<T> (promise: T | Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined

  try {
    return await Promise.race([promise, new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => { reject(new Error('it never ends')) }, PATIENCE)
    })])
  } finally {
    clearTimeout(timer)
  }
}
