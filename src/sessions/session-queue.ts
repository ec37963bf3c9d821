import type { ActiveSession } from './session.ts'

/**
 * Sessions in the order in which they were last seen. Those that have been idle for too long
 * are at the front, so finding them costs nothing for the others.
 *
 * The links are in the sessions: moving one to the end allocates nothing. A session
 * is in one queue at a time.
 */
export class SessionQueue {
  #first?: ActiveSession
  #last?: ActiveSession
  #size = 0

  get size (): number {
    return this.#size
  }

  /**
   * The session that has not been seen for the longest time
   */
  get first (): ActiveSession | undefined {
    return this.#first
  }

  push (session: ActiveSession): void {
    this.#append(session)
    this.#size++
  }

  remove (session: ActiveSession): void {
    this.#unlink(session)
    this.#size--
    // one that is kept by somebody would keep all that came after it
    session.previous = undefined
    session.next = undefined
  }

  moveToEnd (session: ActiveSession): void {
    if (session !== this.#last) {
      this.#unlink(session)
      this.#append(session)
    }
  }

  #append (session: ActiveSession): void {
    session.previous = this.#last
    session.next = undefined

    if (this.#last == null) {
      this.#first = session
    } else {
      this.#last.next = session
    }

    this.#last = session
  }

  #unlink (session: ActiveSession): void {
    if (session.previous == null) {
      this.#first = session.next
    } else {
      session.previous.next = session.next
    }

    if (session.next == null) {
      this.#last = session.previous
    } else {
      session.next.previous = session.previous
    }
  }
}
