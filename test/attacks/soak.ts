/**
 * `npm run soak -- --minutes N --seed S`: a random mix of all attacks on one victim, with
 * an honest peer that is served all the time.
 *
 * The victim checks its invariants every second. After each round the attackers are
 * gone, and the heap is measured. Exits with 1 if anything was wrong.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { HONEST_ADDRESS } from './framework/addresses.ts'
import { Child } from './framework/child.ts'
import { Random } from './framework/random.ts'
import { untilNothingLeft } from './framework/run-attack.ts'
import { Trend } from './framework/trend.ts'
import { ATTACKS } from './index.ts'
import type { Attack } from './framework/attack.ts'
import type { AttackerOptions } from './framework/attacker.ts'
import type { HonestOptions, HonestReport } from './framework/honest.ts'
import type { VictimMemory, VictimOptions, VictimReport } from './framework/victim.ts'

const MiB = 2 ** 20

/**
 * In ms
 */
const CHECK_INTERVAL = 1_000
const ROUND = 10_000
const MIN_ATTACK = 1_000
const MAX_ATTACK = 5_000

/**
 * How many attacks there may be at a time
 */
const PARALLEL_ATTACKS = 2

/**
 * How long the attackers' connections may take to go, in ms
 */
const PATIENCE = 15_000

const MIN_SUCCESS = 0.99

/**
 * Lines of log in ten seconds
 */
const MAX_LOG_LINES = 20

/**
 * By how much the heap may grow after the first round, in MiB: the attackers' identities
 * are as many as they will ever be soon, and the peer store keeps them
 */
const MAX_HEAP_GROWTH = 16

/**
 * Those that the victim is prepared for
 */
const ROOMY = ATTACKS.filter(({ setup }) => setup !== 'default')

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * One attack, some time of it
 */
async function attackOnce (attack: Attack, address: string, duration: number): Promise<void> {
  const attackers = await Promise.all(Array.from({ length: attack.attackers }, async (_, attacker) => {
    return Child.start('attacker', { attack: attack.name, address, attacker, duration } satisfies AttackerOptions)
  }))

  try {
    // one that cannot even connect while another attack goes on has been refused
    await Promise.allSettled(attackers.map(async attacker => attacker.ask('attack')))
  } finally {
    await Promise.all(attackers.map(async attacker => attacker.end()))
  }
}

/**
 * Attacks until the round is over
 *
 * @returns their names
 */
async function attackRound (address: string, lanes: Random[], end: number): Promise<string[]> {
  const names: string[] = []

  await Promise.all(lanes.map(async random => {
    while (Date.now() < end) {
      const attack = random.pick(ROOMY)

      names.push(attack.name)
      await attackOnce(attack, address, Math.round(random.between(MIN_ATTACK, MAX_ATTACK)))
    }
  }))

  return names
}

/**
 * Waits until only the honest peer is connected
 *
 * @returns whether that happened
 */
async function untilCalm (victim: Child): Promise<boolean> {
  const deadline = Date.now() + PATIENCE

  while (!await victim.ask<boolean>('calm')) {
    if (Date.now() > deadline) {
      return false
    }

    await sleep(100)
  }

  return true
}

async function soak (minutes: number, seed: number): Promise<string[]> {
  // one for each of the attacks at a time, which take turns as time will have it
  const lanes = Array.from({ length: PARALLEL_ATTACKS }, (_, lane) => new Random(seed + lane))
  const start = Date.now()
  const end = start + minutes * 60_000
  const victim = await Child.start('victim', { enabled: true, checkInterval: CHECK_INTERVAL } satisfies VictimOptions)
  const address = await victim.ask<string>('address')
  const honest = await Child.start('honest', { address, from: HONEST_ADDRESS, pace: 'brisk', does: 'echo' } satisfies HonestOptions)
  const heap = new Trend()
  const problems: string[] = []

  await honest.ask('warmUp')

  const before = await victim.ask<VictimMemory>('memory')

  await victim.ask('observe')
  await honest.ask('start')
  print(`seed ${seed}, ${minutes} minutes, heap ${(before.heap / MiB).toFixed(1)} MiB`)

  while (Date.now() < end) {
    const names = await attackRound(address, lanes, Math.min(end, Date.now() + ROUND))

    if (!await untilCalm(victim)) {
      problems.push(`connections of the attackers stay after ${names.join(', ')}`)
    }

    const memory = await victim.ask<VictimMemory>('memory')
    const { refused, violations } = await victim.ask<VictimReport>('report')
    const { succeeded, failed } = await honest.ask<HonestReport>('report')

    heap.add((Date.now() - start) / 60_000, memory.heap / MiB)
    print(`${Math.round((Date.now() - start) / 1000)} s: ${names.join(', ')}: heap ${(memory.heap / MiB).toFixed(1)} MiB, resident ${Math.round(memory.resident / MiB)} MiB, ${refused} refused, ${succeeded} of ${succeeded + failed} echoes, ${violations.length} violations`)
  }

  const { succeeded, failed, lastError } = await honest.ask<HonestReport>('finish')
  const report = await victim.ask<VictimReport>('report')

  await honest.end()

  const left = await untilNothingLeft(victim)
  const after = await victim.ask<VictimMemory>('memory')

  await victim.end()

  const allowedLines = MAX_LOG_LINES * Math.ceil((Date.now() - start) / 10_000)

  print(`at most ${Math.round(report.resident / MiB)} MiB resident, ${report.connections} connections, ${report.streams} streams, ${(report.buffered / MiB).toFixed(1)} MiB in buffers, ${report.handlers} handlers, event loop ${Math.round(report.delay)} ms late`)
  print(`${report.refused} refused, ${report.log.length} lines of log, ${succeeded} of ${succeeded + failed} echoes`)
  print(`heap ${(before.heap / MiB).toFixed(1)} MiB at start, ${heap.first.toFixed(1)} MiB after the first round, ${(after.heap / MiB).toFixed(1)} MiB at the end, ${heap.slope.toFixed(2)} MiB per minute`)

  return [
    ...problems,
    ...report.violations,
    ...(report.refused > 0 ? [] : ['nothing was refused, there was no attack']),
    ...(succeeded >= MIN_SUCCESS * (succeeded + failed) ? [] : [`the honest peer lost service: ${failed} of ${succeeded + failed} failed, ${lastError}`]),
    ...(left.length === 0 ? [] : [`still held at the end: ${left.join(', ')}`]),
    ...(report.log.length <= allowedLines ? [] : [`${report.log.length} lines of log: ${report.log.slice(0, MAX_LOG_LINES).join('\n')}`]),
    ...(after.heap / MiB - heap.first <= MAX_HEAP_GROWTH ? [] : ['the heap has grown']),
    ...(victim.output === '' ? [] : [`the victim has printed: ${victim.output}`])
  ]
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) }
  }
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)

if (!(minutes > 0) || !Number.isInteger(seed)) {
  throw new Error(`expected a number of minutes above 0 and a whole number as seed, got ${values.minutes} and ${values.seed}`)
}

const problems = await soak(minutes, seed)

problems.forEach(problem => { print(`✗ ${problem}`) })
process.exit(problems.length === 0 ? 0 : 1)
