import { Random } from '../../attacks/framework/random.ts'
import { CONNECTION_STAGES } from '../stages/connections.ts'
import { SOCKET_STAGES } from '../stages/sockets.ts'
import { WEBRTC_STAGES } from '../stages/webrtc.ts'
import { HostileNode } from './hostile-node.ts'
import { RawServer } from './raw-server.ts'
import { dialledAddress } from './stacks.ts'
import type { Stack } from './stacks.ts'
import type { Situation, Stage } from '../stages/stage.ts'
import type { Socket } from 'node:net'

/**
 * How many cases run at a time
 */
const PARALLEL = 6

/**
 * How long a case lasts at most, in ms: many leave the victim waiting
 */
const CASE_DURATION = 250
const WEBRTC_CASE_DURATION = 1_500

/**
 * All of 127.0.0.0/8 is this machine. These are the addresses of the attackers, as numbers.
 */
const FIRST_ADDRESS = 0x7f100001
const ADDRESSES = 0xe00000

const STAGES: readonly Stage[] = [...SOCKET_STAGES, ...CONNECTION_STAGES, ...WEBRTC_STAGES]

function addressOf (i: number): string {
  const address = FIRST_ADDRESS + i % ADDRESSES

  return [24, 16, 8, 0].map(shift => address >>> shift & 0xff).join('.')
}

/**
 * The stages that a stack has
 *
 * @param stack
 * @param only - The name of one of them, where the others do not matter
 */
export function stagesOf (stack: Stack, only?: string): Stage[] {
  return STAGES.filter(stage => stage.applies(stack) && (only == null || stage.name === only))
}

/**
 * What a case does depends on the seed and its number only. When it does it does not.
 */
export function randomOf (seed: number, number: number): Random {
  // so that cases that follow each other have nothing in common
  return new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
}

/**
 * The stage that a case attacks
 */
export function stageOf (stack: Stack, number: number, only?: string): Stage {
  const stages = stagesOf(stack, only)

  return stages[number % stages.length]
}

/**
 * Somebody who runs one case after the other
 */
interface Worker {
  hostile: HostileNode
  listening: string[]
  server: RawServer
  localAddress: string
}

/**
 * Runs cases against a victim
 */
export class Cases {
  readonly #stack: Stack
  readonly #address: string
  readonly #seed: number
  readonly #only?: string
  readonly #workers: Worker[]

  private constructor (stack: Stack, address: string, seed: number, workers: Worker[], only?: string) {
    this.#stack = stack
    this.#address = address
    this.#seed = seed
    this.#workers = workers
    this.#only = only
  }

  static async create (stack: Stack, address: string, seed: number, only?: string): Promise<Cases> {
    return new Cases(stack, address, seed, await Promise.all(Array.from({ length: PARALLEL }, async (_, i) => createWorker(stack, i))), only)
  }

  /**
   * @param from - The first case
   * @param to - The first one that is not run
   */
  async run (from: number, to: number): Promise<void> {
    let next = from

    await Promise.all(this.#workers.map(async worker => {
      while (next < to) {
        await this.#runCase(worker, next++)
      }
    }))
  }

  async #runCase (worker: Worker, number: number): Promise<void> {
    const sockets: Socket[] = []
    const signal = AbortSignal.timeout(this.#stack.webRtc ? WEBRTC_CASE_DURATION : CASE_DURATION)
    const [{ value: host }, { value: port }] = parse(this.#address)

    // nobody is known by the address
    worker.localAddress = addressOf(number)

    const situation: Situation = {
      ...worker,
      stack: this.#stack,
      address: this.#address,
      socket: { host, port: Number(port), secure: this.#stack.via === 'secure websockets' },
      random: randomOf(this.#seed, number),
      signal,
      keep: socket => { sockets.push(socket) }
    }

    try {
      await Promise.race([
        stageOf(this.#stack, number, this.#only).run(situation),
        new Promise(resolve => { signal.addEventListener('abort', resolve) })
      ])
    } catch {
      // a victim that defends itself
    } finally {
      worker.hostile.drop()
      worker.server.drop()
      sockets.forEach(socket => { socket.destroy() })
    }
  }
}

async function createWorker (stack: Stack, id: number): Promise<Worker> {
  const listen = dialledAddress(stack)
  const worker: Partial<Worker> = {}

  worker.hostile = await HostileNode.create(stack, id, () => worker.localAddress, listen == null ? [] : [listen])
  worker.server = await RawServer.start(listen?.endsWith('/ws') === true ? '/ws' : '')
  // who it is would tell the victim that it is connected already
  worker.listening = worker.hostile.node.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/.*/, ''))

  return worker as Worker
}

function parse (address: string): Array<{ value: string }> {
  const [, , host, , port] = address.split('/')

  return [{ value: host }, { value: port }]
}
