import { SessionQueue } from './session-queue.ts'
import { toSteps } from './ticker.ts'
import type { ActiveSession } from './session.ts'

export interface SessionTableInit {
  /**
   * How long a session is kept that has not been activated, in ms
   */
  inactiveTimeout: number

  /**
   * How long an active session is kept without any bytes, in ms
   */
  sessionTimeout: number

  /**
   * Called with each session that ends, active or pending
   */
  ended(session: ActiveSession): void
}

/**
 * The sessions of a collector by their id, from the beginning to the end of each
 */
export class SessionTable {
  readonly #ended: (session: ActiveSession) => void
  readonly #inactiveSteps: number
  readonly #sessionSteps: number
  readonly #sessions = new Map<string, ActiveSession>()
  readonly #pending = new SessionQueue()
  readonly #active = new SessionQueue()

  constructor (init: SessionTableInit) {
    this.#ended = init.ended
    this.#inactiveSteps = toSteps(init.inactiveTimeout)
    this.#sessionSteps = toSteps(init.sessionTimeout)
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
   * All sessions, the oldest first
   */
  values (): Iterable<ActiveSession> {
    return this.#sessions.values()
  }

  has (id: string): boolean {
    return this.#sessions.has(id)
  }

  get (id: string): ActiveSession | undefined {
    return this.#sessions.get(id)
  }

  /**
   * Adds a session that is pending
   */
  add (session: ActiveSession): void {
    this.#sessions.set(session.id, session)
    this.#pending.push(session)
  }

  /**
   * Something has happened in a session, which makes it active
   */
  seen (session: ActiveSession, step: number): void {
    if (!session.active) {
      this.#pending.remove(session)
      this.#active.push(session)
      session.active = true
    } else if (session.lastSeen !== step) {
      this.#active.moveToEnd(session)
    }

    session.lastSeen = step
  }

  end (session: ActiveSession): void {
    session.over = true
    this.#sessions.delete(session.id)

    if (session.active) {
      this.#active.remove(session)
    } else {
      this.#pending.remove(session)
    }

    this.#ended(session)
  }

  endAll (): void {
    for (const session of this.#sessions.values()) {
      this.end(session)
    }
  }

  /**
   * Ends sessions that have been idle for too long
   *
   * @param step - the number of the step that it is now
   * @param budget - how many to end at most
   * @returns What is left of the budget
   */
  endIdle (step: number, budget: number): number {
    const left = this.#endIdle(this.#pending, step - this.#inactiveSteps, budget)

    return this.#endIdle(this.#active, step - this.#sessionSteps, left)
  }

  /**
   * Ends those that were last seen before a step. The step itself does not count:
   * they may have been seen at the end of it.
   */
  #endIdle (queue: SessionQueue, since: number, budget: number): number {
    while (budget > 0 && queue.first != null && queue.first.lastSeen < since) {
      this.end(queue.first)
      budget--
    }

    return budget
  }
}
