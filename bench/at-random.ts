/**
 * `node --expose-gc bench/at-random.ts`: what the life of a stream takes where it is the turn of one of
 * 10,000 peers with 3 streams each, and no cache can guess of which, against one peer; and the same by
 * hand, with the least that would do. Rounds of all of them are done in turn.
 *
 * `node bench/at-random.ts --misses` has callgrind count what is not in the caches instead, which it
 * simulates. It takes some minutes.
 */

import { parseArgs } from 'node:util'
import { CACHES, countBetweenMarks } from './instructions/callgrind.ts'
import { mark } from './instructions/mark.ts'
import { head, row } from './markdown.ts'
import { createManager, LIMITED, populate, streamLifeOf } from './operations/operation.ts'
import { createPeers } from './peers.ts'
import { median } from './statistics.ts'
import type { PeerId } from '@libp2p/interface'

const MANY_PEERS = 10_000
const STREAMS_PER_PEER = 3

/** Shares no divisor with the number of peers, so that all have their turn */
const STRIDE = 7_919

const ROUNDS = 100
const TIMES = 20_000

/** Callgrind takes 50 times as long. Until the compiler has finished, and what is counted. */
const BEFORE = 30_000
const COUNTED = 5_000

const WIDTHS = [52, 14, 14, 14]

interface Usage {
  inbound: number
  streams: number
  memory: number
}

const usage = (): Usage => ({ inbound: 0, streams: 0, memory: 0 })

/** What opens and closes a stream of a peer */
type Life = (peer: PeerId) => void

/**
 * How many streams each peer has, and nothing else
 */
function mapByHand (peers: PeerId[]): Life {
  const held = new Map(peers.map(peer => [peer.toString(), { ...usage(), streams: STREAMS_PER_PEER }]))
  const total = usage()

  return peer => {
    const used = held.get(peer.toString()) as Usage

    used.streams++
    used.inbound++
    total.streams++
    used.streams--
    used.inbound--
    total.streams--
  }
}

/**
 * What go-libp2p keeps: usage of each peer, and of each peer in a protocol and in a service, which
 * are in maps of these
 */
function scopesByHand (peers: PeerId[]): Life {
  const system = usage()
  const ofPeers = new Map<string, Usage>()
  const named = Array.from({ length: STREAMS_PER_PEER }, () => [0, 1].map(() => ({ all: usage(), ofPeers: new Map<string, Usage>() })))

  for (const peer of peers) {
    const key = peer.toString()

    ofPeers.set(key, usage())
    named.flat().forEach(({ ofPeers }) => { ofPeers.set(key, usage()) })
  }

  const add = (used: Usage, change: number): void => {
    used.inbound += change
    used.streams += change
  }

  return peer => {
    const key = peer.toString()
    const scopes = [system, ofPeers.get(key) as Usage]

    for (const { all, ofPeers } of named[1]) {
      scopes.push(all, ofPeers.get(key) as Usage)
    }

    scopes.forEach(used => { add(used, 1) })
    scopes.forEach(used => { add(used, -1) })
  }
}

function scopes (peers: PeerId[]): Life {
  const manager = createManager(LIMITED)

  populate(manager, peers)

  return peer => { streamLifeOf(manager, peer)() }
}

const KINDS: Record<string, (peers: PeerId[]) => Life> = {
  'a resource manager': scopes,
  'by hand, usage in a Map': mapByHand,
  'by hand, usage of peer, protocol and service in Maps': scopesByHand
}

function repeatedly (kind: string, peers: PeerId[]): (times: number) => void {
  const life = KINDS[kind](peers)
  let next = 0

  return times => {
    for (let i = 0; i < times; i++) {
      next = (next + STRIDE) % peers.length
      life(peers[next])
    }
  }
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

function measure (): void {
  const peers = createPeers(MANY_PEERS)
  const measured = Object.keys(KINDS).map(kind => ({
    kind,
    // as many functions as variants: one for all would be compiled for all
    one: { repeat: repeatedly(kind, peers.slice(0, 1)), times: [] as number[] },
    many: { repeat: repeatedly(kind, peers), times: [] as number[] }
  }))

  for (let round = -10; round < ROUNDS; round++) {
    for (const { many, one } of measured) {
      for (const { repeat, times } of [one, many]) {
        const start = performance.now()

        repeat(TIMES)

        if (round >= 0) {
          times.push((performance.now() - start) * 1e6 / TIMES)
        }
      }
    }
  }

  print(head(['a stream', '1 peer', `${MANY_PEERS} at random`, 'ratio'], WIDTHS))

  for (const { kind, many, one } of measured) {
    const least = [one, many].map(({ times }) => Math.min(...times))
    const ratio = median(many.times.map((time, i) => time / one.times[i]))

    print(row([kind, ...[one, many].map(({ times }, i) => `${median(times).toFixed(0)}, ${least[i].toFixed(0)} ns`), `${ratio.toFixed(1)}, ${(least[1] / least[0]).toFixed(1)}`], WIDTHS))
  }
}

/**
 * In a process that callgrind watches
 */
function beCounted (kind: string, count: number): void {
  const repeat = repeatedly(kind, createPeers(count))

  repeat(BEFORE)
  mark()
  repeat(COUNTED)
  mark()
}

async function countMisses (): Promise<void> {
  print(head(['a stream: cache lines that are in no cache', '1 peer', `${MANY_PEERS} at random`, 'instructions'], WIDTHS))

  for (const kind of Object.keys(KINDS)) {
    const [one, many] = await Promise.all([1, MANY_PEERS].map(async count => {
      const { counts, misses } = await countBetweenMarks('at-random.ts', ['--kind', kind, '--peers', String(count)], CACHES)

      return { instructions: counts[1] / COUNTED, missed: misses[1] / COUNTED }
    }))

    print(row([kind, one.missed.toFixed(1), many.missed.toFixed(1), many.instructions.toFixed(0)], WIDTHS))
  }
}

const { values } = parseArgs({ options: { misses: { type: 'boolean' }, kind: { type: 'string' }, peers: { type: 'string' } } })

if (values.kind !== undefined) {
  beCounted(values.kind, Number(values.peers))
} else if (values.misses === true) {
  await countMisses()
} else {
  measure()
}
