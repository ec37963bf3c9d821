import { createManager, unlimitedBut } from './fixtures.ts'
import { Model } from './model.ts'
import { PEERS, toConfig } from './operations.ts'
import type { Failure, Holder, Scope } from './model-rules.ts'
import type { Operation, Target } from './operations.ts'
import type { ConnectionManagementScope, OwnedServiceScope, ResourceManager, ResourceManagerInit, ResourceScope, ResourceScopeLimiter, ResourceScopeSpan, StreamManagementScope } from '../../src/index.ts'
import type { Limit } from '../../src/limits/limit.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Something that was opened in both
 */
export interface Pair {
  kind: 'conn' | 'stream' | 'service' | 'span'
  real: ResourceScopeSpan
  model: Holder
}

interface View {
  shared: string
  result: Promise<string>
  settle: PromiseWithResolvers<string>
}

/**
 * How an operation ended in both
 */
export interface Outcome {
  actual?: Failure
  expected?: Failure
}

/**
 * A resource manager and the model of it, to which the same happens
 */
export class World {
  readonly manager: ResourceManager
  readonly model: Model
  readonly pairs: Pair[] = []
  readonly views: View[] = []

  constructor (limits: Map<string, Limit>, init?: ResourceManagerInit) {
    this.manager = createManager(toConfig(limits), init)
    this.model = new Model(limits)
  }

  /**
   * Runs an operation in both. There is no outcome where nothing is there yet
   * that the operation could work with.
   */
  async perform (operation: Operation): Promise<Outcome | undefined> {
    const { manager, model } = this

    switch (operation.type) {
      case 'openConnection':
        return this.#open('conn', () => manager.openConnection(operation.direction, operation.usefd), () => model.openConnection(operation.direction, operation.usefd))
      case 'openStream':
        return this.#open('stream', () => manager.openStream(peerOf(operation.peer), operation.direction), () => model.openStream(operation.peer, operation.direction))
      case 'openService':
        return this.#open('service', () => manager.openService(nameIn(operation.service)), () => model.beginSpan(operation.service))
      case 'beginSpan':
        return this.#on(operation.target, (real, scope) => this.#open('span', () => real(scope => scope.beginSpan()), () => model.beginSpan(scope)))
      case 'reserveMemory':
        return this.#on(operation.target, (real, scope) => ({
          actual: failureOf(() => { real(scope => { scope.reserveMemory(operation.size, operation.priority) }) }),
          expected: model.reserveMemory(scope, operation.size, operation.priority)
        }))
      case 'releaseMemory':
        return this.#on(operation.target, (real, scope) => ({
          actual: failureOf(() => { real(scope => { scope.releaseMemory(operation.size) }) }),
          expected: ignore(model.releaseMemory(scope, operation.size))
        }))
      case 'setLimit':
        return this.#on(operation.target, (real, scope) => ({
          actual: failureOf(() => { real(scope => { scope.setLimit(operation.limits) }) }),
          expected: ignore(model.setLimit(scope, operation.limits))
        }))
      case 'setLimits':
        return { actual: failureOf(() => { manager.setLimits(unlimitedBut(toConfig(operation.limits))) }), expected: ignore(model.setLimits(operation.limits)) }
      case 'view':
        this.#view(operation.shared)
        return {}
      case 'endView':
        return this.#endView(operation.view, operation.fails)
      case 'gc':
        return { actual: failureOf(() => { manager.gc() }), expected: ignore(model.gc()) }
      default:
        return this.#performOnPair(operation)
    }
  }

  /**
   * Ends everything that is still open
   */
  async end (): Promise<void> {
    for (const { real, model } of this.pairs) {
      real.done()
      this.model.done(model)
    }

    while (this.views.length > 0) {
      await this.#endView(0, false)
    }

    for (const { kind, name, held } of this.model.holders) {
      if (kind === 'direct') {
        view(this.manager, name, scope => { scope.releaseMemory(held.memory) })
        this.model.releaseMemory(name, held.memory)
      }
    }

    this.manager.gc()
    this.model.gc()
  }

  #performOnPair (operation: Operation): Outcome | undefined {
    const { model } = this

    switch (operation.type) {
      case 'setPeer':
        return this.#with<ConnectionManagementScope>(operation.conn, ['conn'], real => { real.setPeer(peerOf(operation.peer)) }, holder => model.setPeer(holder, operation.peer))
      case 'setProtocol':
        return this.#with<StreamManagementScope>(operation.stream, ['stream'], real => { real.setProtocol(nameIn(operation.protocol)) }, holder => model.setProtocol(holder, operation.protocol))
      case 'setService':
        return this.#with<StreamManagementScope>(operation.movable, ['conn', 'stream'], real => { real.setService(nameIn(operation.service)) }, holder => model.setService(holder, operation.service))
      case 'reserveStream':
        return this.#with<OwnedServiceScope>(operation.service, ['service'], real => { real.reserveStream(operation.direction) }, holder => model.reserveStream(holder, operation.direction))
      case 'releaseStream':
        return this.#with<OwnedServiceScope>(operation.service, ['service'], real => { real.releaseStream(operation.direction) }, holder => ignore(model.releaseStream(holder, operation.direction)))
      case 'reserveConnection':
        return this.#with<OwnedServiceScope>(operation.service, ['service'], real => { real.reserveConnection(operation.direction, operation.usefd) }, holder => model.reserveConnection(holder, operation.direction, operation.usefd))
      case 'releaseConnection':
        return this.#with<OwnedServiceScope>(operation.service, ['service'], real => { real.releaseConnection(operation.direction, operation.usefd) }, holder => ignore(model.releaseConnection(holder, operation.direction, operation.usefd)))
      case 'release':
        return this.#with(operation.opened, ['conn', 'stream', 'service', 'span'], real => { real.release() }, holder => ignore(model.release(holder)))
      case 'done':
        return this.#with(operation.opened, ['conn', 'stream', 'service', 'span'], real => { real.done() }, holder => ignore(model.done(holder)))
      default:
        throw new Error(`Unknown operation ${operation.type}`)
    }
  }

  #open (kind: Pair['kind'], openReal: () => ResourceScopeSpan, openModel: () => Holder | Failure): Outcome {
    let real: ResourceScopeSpan | undefined
    const actual = failureOf(() => { real = openReal() })
    const model = openModel()

    if ('kind' in model) {
      if (real != null) {
        this.pairs.push({ kind, real, model })
      }

      return { actual }
    }

    return { actual, expected: model }
  }

  /**
   * Does something with a shared scope or with one of those that were opened
   */
  #on (target: Target, fn: (real: <T> (use: (scope: ResourceScope & ResourceScopeLimiter) => T) => T, model: Scope) => Outcome): Outcome | undefined {
    if ('shared' in target) {
      this.model.know(target.shared)

      return fn(use => view(this.manager, target.shared, use), target.shared)
    }

    const pair = this.#pick(target.opened, ['conn', 'stream', 'service', 'span'])

    return pair == null ? undefined : fn(use => use(pair.real), pair.model)
  }

  #with <T extends ResourceScopeSpan> (index: number, kinds: Array<Pair['kind']>, useReal: (scope: T) => void, useModel: (holder: Holder) => Failure | undefined): Outcome | undefined {
    const pair = this.#pick(index, kinds)

    return pair == null ? undefined : { actual: failureOf(() => { useReal(pair.real as T) }), expected: useModel(pair.model) }
  }

  /**
   * Counts from the one that was opened last, which is likely to be open still
   */
  #pick (index: number, kinds: Array<Pair['kind']>): Pair | undefined {
    const candidates = this.pairs.filter(({ kind }) => kinds.includes(kind))

    return candidates[candidates.length - 1 - index % candidates.length]
  }

  #view (shared: string): void {
    const settle = Promise.withResolvers<string>()

    this.views.push({ shared, settle, result: view(this.manager, shared, async () => settle.promise) })
    this.model.know(shared)
    this.model.viewed.push(shared)
  }

  async #endView (index: number, fails: boolean): Promise<Outcome | undefined> {
    if (this.views.length === 0) {
      return
    }

    const [{ shared, settle, result }] = this.views.splice(index % this.views.length, 1)

    this.model.viewed.splice(this.model.viewed.indexOf(shared), 1)

    if (fails) {
      const error = new Error('the function that was given to the view failed')

      settle.reject(error)

      return { actual: await result.then(() => undefined, err => err), expected: error }
    }

    settle.resolve(shared)

    return await result === shared ? {} : { actual: new Error('the view answered something else') }
  }
}

function view <T> (manager: ResourceManager, shared: string, use: (scope: ResourceScope & ResourceScopeLimiter) => T): T {
  switch (shared.split(':')[0]) {
    case 'system':
      return manager.viewSystem(use)
    case 'transient':
      return manager.viewTransient(use)
    case 'service':
      return manager.viewService(nameIn(shared), use)
    case 'protocol':
      return manager.viewProtocol(nameIn(shared), use)
    default:
      return manager.viewPeer(peerOf(shared), use)
  }
}

function nameIn (shared: string): string {
  return shared.slice(shared.indexOf(':') + 1)
}

function peerOf (shared: string): PeerId {
  return PEERS.get(shared) as PeerId
}

/**
 * For what cannot fail in the model
 */
function ignore (_: void): undefined {}

function failureOf (fn: () => void): Failure | undefined {
  try {
    fn()
  } catch (err: any) {
    return err
  }
}
