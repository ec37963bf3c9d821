import { printable } from '../util/printable.ts'
import { SCRIPTS } from './scripts.ts'
import type { FleetClient } from './client.ts'
import type { ReadAnswer, ScriptName } from './protocol.ts'

/**
 * How many calls may wait for an answer: a client that cannot reach its server may keep them
 */
const MAX_PENDING = 4

/**
 * The engine, as one fleet sees it
 */
export class Engine {
  readonly key: string
  readonly client: FleetClient
  readonly timeout: number
  #pending = 0

  /** Since the start */
  calls = 0
  failures = 0

  /**
   * @param client
   * @param key - what all keys begin with
   * @param timeout - how long a call may take, in ms
   */
  constructor (client: FleetClient, key: string, timeout: number) {
    this.client = client
    this.key = key
    this.timeout = timeout
  }

  get channel (): string {
    return `${this.key}:changed`
  }

  /**
   * Whether too much waits for an answer already
   */
  get busy (): boolean {
    return this.#pending >= MAX_PENDING
  }

  /**
   * Runs a script, without a timeout
   *
   * @throws {Error} if the engine says so, or answers what is no answer
   */
  async call <T> (script: ScriptName, argument: object | string): Promise<T> {
    this.#pending++
    this.calls++

    try {
      const answer: unknown = await this.client.run(SCRIPTS[script], this.key, [typeof argument === 'string' ? argument : JSON.stringify(argument)])
      const parsed: unknown = JSON.parse(String(answer))

      if (typeof parsed !== 'object' || parsed === null || !('status' in parsed)) {
        throw new Error(`the engine has answered nonsense to ${script}`)
      }

      return parsed as T
    } catch (err) {
      this.failures++
      throw err
    } finally {
      this.#pending--
    }
  }

  /**
   * The same for a caller that waits
   *
   * @throws {Error} if it takes too long
   */
  async callInTime <T> (script: ScriptName, argument: object | string): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined

    const late = new Promise<never>((resolve, reject) => {
      timer = setTimeout(() => { reject(new Error(`the engine has not answered within ${this.timeout} ms`)) }, this.timeout)
    })

    try {
      return await Promise.race([this.call<T>(script, argument), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * What the fleet has decided and, if asked for, what its nodes hold
   *
   * @throws {Error} if the engine does not answer, or has data that cannot be used
   */
  async read (what: 'nodes' | ''): Promise<Required<Omit<ReadAnswer, 'found'>>> {
    const answer = await this.callInTime<ReadAnswer>('read', what)

    if (answer.status === 'version') {
      throw new Error(versionText(answer.found))
    }

    // somebody else may have written it
    const { nodes, now, policy = 0, text } = answer

    if (!Number.isSafeInteger(policy) || policy < 0) {
      throw new Error(`the engine has decisions of no version (${printable(String(policy)).slice(0, 16)})`)
    }

    return { status: 'ok', now: Number.isSafeInteger(now) ? Number(now) : Date.now(), policy, text: String(text ?? ''), nodes: listOf(nodes) }
  }
}

export function versionText (found: unknown): string {
  return `the engine has data of another version of this package (layout ${printable(String(found)).slice(0, 16)}): use another prefix or name, or the same version on all nodes`
}

/**
 * Lists that are empty are objects in Lua
 */
export function listOf <T> (value: T[] | object | undefined): T[] {
  return Array.isArray(value) ? value : []
}

/**
 * A number that somebody else has sent, which may be anything
 */
export function amountOf (amount: unknown): number {
  return typeof amount === 'number' && Number.isFinite(amount) && amount > 0 ? amount : 0
}
