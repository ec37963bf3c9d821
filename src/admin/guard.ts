import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { isLoopback } from './admin-server-init.ts'
import type { AdminServerInit } from './admin-server-init.ts'
import type { IncomingMessage } from 'node:http'

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * The host of a `Host` header, without its port
 */
function hostOf (header: string): string {
  return header.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1').toLowerCase()
}

/**
 * Decides who may ask for what
 */
export class Guard {
  readonly #host: string
  readonly #readsNeedToken: boolean
  readonly #token?: Buffer

  constructor ({ host, token }: Required<Pick<AdminServerInit, 'host'>> & Pick<AdminServerInit, 'token'>) {
    this.#host = host.toLowerCase()
    this.#readsNeedToken = !isLoopback(host)
    this.#token = token === undefined ? undefined : digest(token)
  }

  /**
   * Whether a request comes from another site. A page of another site can have its name
   * resolved to this address, and could then read our answers (DNS rebinding). It needs a name
   * for that, so IP addresses are fine, and only our own names.
   *
   * Other sites could not read answers, but could take up places of live views. Following a
   * link from somewhere else to the page is fine.
   *
   * @param req
   * @param isNavigation - it is for the page itself
   */
  isForeign (req: IncomingMessage, isNavigation: boolean): boolean {
    const { headers } = req
    const host = hostOf(headers.host ?? '')
    const site = headers['sec-fetch-site']

    if (host !== 'localhost' && host !== this.#host && isIP(host) === 0) {
      return true
    }

    return !isNavigation && site !== undefined && site !== 'same-origin' && site !== 'none'
  }

  /**
   * Whether it takes the token to read
   */
  get readsNeedToken (): boolean {
    return this.#readsNeedToken
  }

  /**
   * Whether there is a token, so that something can be changed at all
   */
  get hasToken (): boolean {
    return this.#token != null
  }

  /**
   * Whether a request has the token. The comparison always takes the same time.
   */
  isAuthorized ({ headers: { authorization = '' } }: IncomingMessage): boolean {
    const [, given = ''] = /^Bearer +(\S+)$/i.exec(authorization) ?? []

    return this.#token != null && timingSafeEqual(digest(given), this.#token)
  }
}
