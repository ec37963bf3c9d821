import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { usesFileDescriptor } from './uses-file-descriptor.ts'
import type { Core } from '../../manager/core.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Dials that are accounted for and have no socket yet. Dials of the same address
 * are interchangeable, whichever peer they expect there.
 */
export class PendingDials {
  readonly #manager: Core
  readonly #scopes = new Map<string, DefaultConnectionScope[]>()

  constructor (manager: Core) {
    this.#manager = manager
  }

  /**
   * Accounts for a dial while it runs, or throws before it does
   *
   * @throws {ResourceLimitExceededError} If there is no room for the connection
   */
  async run<T> (address: Multiaddr, dial: () => Promise<T>): Promise<T> {
    const key = keyOf(address)
    const scope = this.#open(address)

    const pending = this.#scopes.get(key)

    if (pending == null) {
      this.#scopes.set(key, [scope])
    } else {
      pending.push(scope)
    }

    try {
      return await dial()
    } finally {
      // what was claimed belongs to its connection now
      if (this.#remove(key, scope)) {
        scope.done()
      }
    }
  }

  /**
   * The scope of a dial whose socket is open
   *
   * @throws {ResourceLimitExceededError} If it was not dialled through here and
   * there is no room for it
   */
  claim (address: Multiaddr): DefaultConnectionScope {
    const key = keyOf(address)
    const scope = this.#scopes.get(key)?.[0]

    if (scope != null) {
      this.#remove(key, scope)
    }

    return scope ?? this.#open(address)
  }

  #open (address: Multiaddr): DefaultConnectionScope {
    const scope = this.#manager.openConnection('outbound', usesFileDescriptor(address), address)

    if (!(scope instanceof DefaultConnectionScope)) {
      throw this.#manager.errorOf(scope)
    }

    return scope
  }

  #remove (key: string, scope: DefaultConnectionScope): boolean {
    const scopes = this.#scopes.get(key)
    const index = scopes?.indexOf(scope) ?? -1

    if (scopes == null || index === -1) {
      return false
    }

    scopes.splice(index, 1)

    if (scopes.length === 0) {
      this.#scopes.delete(key)
    }

    return true
  }
}

/**
 * What a dial and its connection have in common. Not the peer id: with some transports, that is
 * the one that answered, expected or not.
 */
function keyOf (address: Multiaddr): string {
  return address.toString().replace(/\/p2p\/[^/]+$/, '')
}
