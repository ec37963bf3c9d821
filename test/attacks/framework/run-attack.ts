import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.ts'
import type { Attack } from './attack.ts'
import type { AttackerOptions } from './attacker.ts'
import type { HonestOptions, HonestReport } from './honest.ts'
import type { VictimMemory, VictimOptions, VictimReport } from './victim.ts'

/**
 * How long an attack lasts at most where it does not say so, in ms
 */
const DURATION = 4_000

/**
 * How often the invariants are checked, in ms
 */
const CHECK_INTERVAL = 100

/**
 * How long what the attackers had may take to go, in ms: far longer than it takes, so that
 * only what stays fails
 */
const PATIENCE = 15_000

const POLL_INTERVAL = 50

/**
 * What has become of the victim of an attack
 */
export interface Outcome {
  victim: VictimReport
  honest: HonestReport

  /** Without garbage, before the attack and when all is over */
  before: VictimMemory
  after: VictimMemory

  /** What the victim holds when all others are gone */
  left: string[]

  /** What the process of the victim has printed */
  output: string
}

/**
 * Waits until the victim holds nothing
 */
export async function untilNothingLeft (victim: Child, patience: number = PATIENCE): Promise<string[]> {
  const deadline = Date.now() + patience

  for (;;) {
    const left = await victim.ask<string[]>('left')

    if (left.length === 0 || Date.now() > deadline) {
      return left
    }

    await sleep(POLL_INTERVAL)
  }
}

/**
 * Waits until the victim does not have enough for everybody
 */
async function untilContested (victim: Child): Promise<void> {
  const deadline = Date.now() + PATIENCE

  while (!await victim.ask<boolean>('contested')) {
    if (Date.now() > deadline) {
      throw new Error('there was enough for everybody, there was no attack')
    }

    await sleep(POLL_INTERVAL)
  }
}

/**
 * Starts a victim, its attackers and an honest peer, each in a process of its own, and
 * watches what happens
 *
 * @param attack
 * @param enabled - whether the victim has a resource manager
 */
export async function runAttack (attack: Attack, enabled: boolean): Promise<Outcome> {
  const victim = await Child.start('victim', { attack: attack.name, enabled, checkInterval: CHECK_INTERVAL } satisfies VictimOptions)
  const others: Child[] = []

  try {
    const address = await victim.ask<string>('address')
    const [honest, ...attackers] = await Promise.all([
      Child.start('honest', { address } satisfies HonestOptions),
      ...Array.from({ length: attack.attackers }, async (_, attacker) => {
        return Child.start('attacker', { attack: attack.name, address, attacker, duration: attack.duration ?? DURATION } satisfies AttackerOptions)
      })
    ].map(async starting => {
      const child = await starting

      others.push(child)

      return child
    }))

    await honest.ask('warmUp')

    const before = await victim.ask<VictimMemory>('memory')

    await victim.ask('watch')

    if (attack.late === true) {
      await honest.ask('leave')
    } else {
      await honest.ask('start')
    }

    const attacking = Promise.all(attackers.map(async attacker => attacker.ask('attack')))

    if (attack.late === true) {
      await untilContested(victim)
      await honest.ask('start')
    }

    await attacking

    const echoed = await honest.ask<HonestReport>('finish')
    const report = await victim.ask<VictimReport>('report')

    await Promise.all(others.splice(0).map(async child => child.end()))

    return {
      victim: report,
      honest: echoed,
      before,
      left: await untilNothingLeft(victim),
      after: await victim.ask<VictimMemory>('memory'),
      output: victim.output
    }
  } finally {
    await Promise.all([victim, ...others].map(async child => child.end()))
  }
}
