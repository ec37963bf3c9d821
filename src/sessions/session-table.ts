import { SessionQueue } from './session-queue.ts'
import type { ResolvedCollectorConfig } from './collector-config.ts'
import type { LiveSession } from './session.ts'

export interface SessionTableInit extends Pick<ResolvedCollectorConfig, 'inactiveTimeout' | 'sessionTimeout'> {
  /**
   * Called with each session that ends and was active
   */
  ended(session: LiveSession): void
}

/**
 * The sessions of a collector by their id, from the beginning to the end of each
 */
export class SessionTable {
  readonly #init: SessionTableInit
  readonly #sessions = new Map<string, LiveSession>()
  readonly #pending = new SessionQueue()
  readonly #active = new SessionQueue()

  constructor (init: SessionTableInit) {
    this.#init = init
  }

  /**
   * How many sessions there are, pending and active ones
   */
  get size (): number {
    return this.#sessions.size
  }

  /**
   * How many sessions are active
   */
  get activeSize (): number {
    return this.#active.size
  }

  /**
   * The sessions that are active, the oldest first
   */
  * active (): Generator<LiveSession> {
    for (const session of this.#sessions.values()) {
      if (session.active) {
        yield session
      }
    }
  }

  has (id: string): boolean {
    return this.#sessions.has(id)
  }

  get (id: string): LiveSession | undefined {
    return this.#sessions.get(id)
  }

  /**
   * Adds a session that is pending
   */
  add (session: LiveSession): void {
    this.#sessions.set(session.id, session)
    this.#pending.push(session)
  }

  /**
   * Something has happened in a session, which makes it active
   */
  seen (session: LiveSession, now: number): void {
    session.lastSeen = now

    if (session.active) {
      this.#active.moveToEnd(session)
      return
    }

    this.#pending.remove(session)
    this.#active.push(session)
    session.active = true
  }

  end (session: LiveSession): void {
    this.#sessions.delete(session.id)

    if (session.active) {
      this.#active.remove(session)
      this.#init.ended(session)
    } else {
      this.#pending.remove(session)
    }
  }

  endAll (): void {
    for (const session of this.#sessions.values()) {
      this.end(session)
    }
  }

  /**
   * Ends sessions that have been idle for too long
   *
   * @param now - the time of the ticker, in ms
   * @param budget - how many to end at most
   * @returns What is left of the budget
   */
  endIdle (now: number, budget: number): number {
    const left = this.#endIdle(this.#pending, now - this.#init.inactiveTimeout, budget)

    return this.#endIdle(this.#active, now - this.#init.sessionTimeout, left)
  }

  #endIdle (queue: SessionQueue, since: number, budget: number): number {
    while (budget > 0 && queue.first != null && queue.first.lastSeen <= since) {
      this.end(queue.first)
      budget--
    }

    return budget
  }
}
