import { once } from 'node:events'
import type { ConnectionEncrypter, MessageStream, MultiaddrConnection, SecureConnectionOptions, SecuredConnection, Upgrader } from '@libp2p/interface'

type Method = 'secureInbound' | 'secureOutbound'
type Secured = SecuredConnection<any>

/**
 * What a suite has asked for
 */
interface Request extends PromiseWithResolvers<Secured> {
  options?: SecureConnectionOptions
}

const TIMEOUT = 10_000

/**
 * The encrypter of a node. What the suite asks it for it does in the course of an
 * upgrade by the node, which then waits until the suite is done with the connection.
 */
export class HeldEncrypter {
  readonly #requests = new WeakMap<object, Request>()
  #encrypter!: ConnectionEncrypter<any>

  /**
   * What the node uses
   */
  of (encrypter: ConnectionEncrypter<any>): ConnectionEncrypter<any> {
    this.#encrypter = encrypter

    return {
      protocol: encrypter.protocol,
      secureInbound: async (connection: MessageStream) => this.#secure('secureInbound', connection),
      secureOutbound: async (connection: MessageStream) => this.#secure('secureOutbound', connection)
    }
  }

  /**
   * What the suite uses
   */
  forSuite (upgrader: Upgrader): ConnectionEncrypter<any> {
    const ask = async (connection: MessageStream, options: SecureConnectionOptions | undefined, upgrade: 'upgradeInbound' | 'upgradeOutbound'): Promise<Secured> => {
      const request: Request = { ...Promise.withResolvers<Secured>(), options }

      this.#requests.set(connection, request)
      // the node does not get to the end of it
      upgrader[upgrade](connection as MultiaddrConnection, { signal: AbortSignal.timeout(TIMEOUT) } as any).catch(request.reject)

      return request.promise
    }

    return {
      protocol: this.#encrypter.protocol,
      secureInbound: async (connection: MessageStream, options?: SecureConnectionOptions) => ask(connection, options, 'upgradeInbound'),
      secureOutbound: async (connection: MessageStream, options?: SecureConnectionOptions) => ask(connection, options, 'upgradeOutbound')
    }
  }

  async #secure (method: Method, connection: MessageStream): Promise<Secured> {
    const request = this.#requests.get(connection)

    if (request == null) {
      throw new Error('nobody has asked for it')
    }

    try {
      request.resolve(await this.#encrypter[method](connection, request.options))
    } catch (err) {
      // libp2p would make another error of it
      request.reject(err)
      throw err
    }

    await once(connection, 'close')

    throw new Error('the suite is done with the connection')
  }
}
