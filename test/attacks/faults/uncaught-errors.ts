interface BrowserEvent extends Event {
  error?: unknown
  reason?: unknown
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const

/**
 * Collects the errors that nobody has caught, in place of the test runner
 */
export class UncaughtErrors {
  #errors: unknown[] = []
  #restore: Array<() => void> = []

  start (): void {
    if (typeof globalThis.addEventListener === 'function') {
      this.#listenInBrowser()
    } else {
      this.#listenInNode()
    }
  }

  stop (): void {
    this.#restore.splice(0).forEach(restore => { restore() })
  }

  /**
   * Those that have come since the last time
   */
  take (): unknown[] {
    return this.#errors.splice(0).filter(error => !isSynOfLostConnection(error))
  }

  #listenInNode (): void {
    const { process } = globalThis
    const listener = (error: unknown): void => { this.#errors.push(error) }

    for (const event of EVENTS) {
      const others = process.listeners(event as any)

      process.removeAllListeners(event)
      process.on(event, listener)
      this.#restore.push(() => {
        process.off(event, listener)
        others.forEach(other => { process.on(event, other as any) })
      })
    }
  }

  #listenInBrowser (): void {
    const listener = (event: BrowserEvent): void => {
      event.preventDefault()
      event.stopImmediatePropagation()
      this.#errors.push(event.reason ?? event.error)
    }

    for (const event of ['error', 'unhandledrejection']) {
      // before the listeners of the test runner, which do not capture
      globalThis.addEventListener(event, listener, { capture: true })
      this.#restore.push(() => { globalThis.removeEventListener(event, listener, { capture: true }) })
    }
  }
}

/**
 * Yamux tells the remote of a new stream in a microtask of its own. Where the connection
 * has been lost before, it throws there, with and without a resource manager.
 */
function isSynOfLostConnection (error: any): boolean {
  return error?.name === 'StreamStateError' && /sendWindowUpdate/.test(error.stack)
}
