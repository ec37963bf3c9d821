import { setTimeout as sleep } from 'node:timers/promises'
import { DOWNLOADER_ADDRESS, HONEST_ADDRESS, TRUSTED_ADDRESS } from './addresses.ts'
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

/**
 * How long it may take until there is not enough for everybody, in ms
 */
const CONTEST_PATIENCE = 100_000

const POLL_INTERVAL = 50

/**
 * What has become of the victim of an attack
 */
export interface Outcome {
  victim: VictimReport

  /** What became of those who are honest, by who they are */
  honest: Record<string, HonestReport>

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
  const deadline = Date.now() + CONTEST_PATIENCE

  while (!await victim.ask<boolean>('contested')) {
    if (Date.now() > deadline) {
      throw new Error('there was enough for everybody, there was no attack')
    }

    await sleep(POLL_INTERVAL)
  }
}

/**
 * Who is served while a victim is attacked
 */
function honestParties ({ honest, setup }: Attack, address: string): Record<string, HonestOptions> {
  if (setup !== 'default') {
    return { [honest]: { address, from: HONEST_ADDRESS, pace: 'brisk', does: 'echo' } }
  }

  return {
    stranger: { address, from: HONEST_ADDRESS, pace: 'calm', does: 'echo' },
    trusted: { address, from: TRUSTED_ADDRESS, pace: 'calm', does: 'echo' },
    downloader: { address, from: DOWNLOADER_ADDRESS, pace: 'calm', does: 'download' }
  }
}

async function endAll (children: Child[]): Promise<void> {
  await Promise.all(children.splice(0).map(async child => child.end()))
}

/**
 * Starts a victim, its attackers and honest peers, each in a process of its own, and
 * observes what happens
 *
 * @param attack
 * @param enabled - whether the victim has a resource manager
 */
export async function runAttack (attack: Attack, enabled: boolean): Promise<Outcome> {
  const others: Child[] = []
  const start = async (name: string, options: unknown): Promise<Child> => {
    const child = await Child.start(name, options)

    others.push(child)

    return child
  }
  const relay = attack.via === 'relay' ? await (await start('relay', {})).ask<string>('address') : undefined
  const victim = await Child.start('victim', { attack: attack.name, relay, enabled, checkInterval: CHECK_INTERVAL } satisfies VictimOptions)

  try {
    const address = await victim.ask<string>('address')
    const parties = Object.entries(honestParties(attack, address))
    const { duration = DURATION, late = false, refused = true } = attack
    // a slow machine takes longer until there is an attack at all
    const contests = late || (enabled && refused)
    const [honest, attackers] = await Promise.all([
      Promise.all(parties.map(async ([, options]) => start('honest', options))),
      Promise.all(Array.from({ length: attack.attackers }, async (_, attacker) => {
        return start('attacker', { attack: attack.name, address, relay, attacker, duration: contests ? CONTEST_PATIENCE + duration : duration } satisfies AttackerOptions)
      }))
    ])

    // one after the other, as those who have a share of a small transient
    for (const party of honest) {
      await party.ask('warmUp')
    }

    const before = await victim.ask<VictimMemory>('memory')

    await victim.ask('observe')

    const each = async (question: string): Promise<void> => {
      await Promise.all(honest.map(async party => party.ask(question)))
    }

    await each(late ? 'leave' : 'start')

    const attacking = Promise.all(attackers.map(async attacker => attacker.ask('attack')))

    if (contests) {
      const enough = late ? undefined : sleep(duration)

      // where the attackers are done without it, `findProblems` says so
      await Promise.race([untilContested(victim), ...late ? [] : [attacking]])

      if (late) {
        await each('start')
      }

      await Promise.race([attacking, enough ?? sleep(duration)])
      await Promise.all(attackers.map(async attacker => attacker.ask('stop')))
    }

    await attacking

    const reports = await Promise.all(honest.map(async party => party.ask<HonestReport>('finish')))
    const report = await victim.ask<VictimReport>('report')

    await endAll(others)

    return {
      victim: report,
      honest: Object.fromEntries(parties.map(([name], i) => [name, reports[i]])),
      before,
      left: await untilNothingLeft(victim),
      after: await victim.ask<VictimMemory>('memory'),
      output: victim.output
    }
  } finally {
    await endAll([victim, ...others])
  }
}
