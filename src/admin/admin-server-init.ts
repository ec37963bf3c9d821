import { isIP } from 'node:net'
import { ANY, checkDescribed } from '../util/description.ts'
import { parseNetwork } from '../util/ip-network.ts'
import { parseIP } from '../util/parse-ip.ts'
import { checkWholeNumber, invalid } from '../util/validation.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Options of `adminServer`
 */
export interface AdminServerInit {
  /**
   * The port to listen on. With 0 the system chooses one: `url` says which.
   */
  port: number

  /**
   * Where to listen. Any other address than loopback needs a `token`.
   *
   * @default '127.0.0.1'
   */
  host?: string

  /**
   * Whoever sends it as `Authorization: Bearer TOKEN` may change limits. If `host` is not
   * loopback, reading needs it too: use a proxy with TLS in front then. At least 16 characters
   * of ASCII.
   *
   * @default nobody may change anything
   */
  token?: string
}

const INIT = { port: ANY, host: ANY, token: ANY } as const satisfies DescriptionOf<AdminServerInit>

/**
 * What can be guessed is no secret
 */
const MIN_TOKEN_LENGTH = 16

/**
 * What fits into a header (RFC 6750)
 */
const TOKEN = /^[\w\-.~+/]+=*$/

const LOOPBACK = [parseNetwork('127.0.0.0/8', ''), parseNetwork('::1/128', '')]

/**
 * Whether only this machine can reach the server there
 */
export function isLoopback (host: string): boolean {
  const ip = parseIP(host)

  return host === 'localhost' || (ip != null && LOOPBACK.some(network => network.contains(ip)))
}

/**
 * The host in a URL
 */
export function hostInURL (host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

/**
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function checkInit (init: AdminServerInit): Required<Pick<AdminServerInit, 'port' | 'host'>> & Pick<AdminServerInit, 'token'> {
  checkDescribed('init', init, INIT)

  const { host = '127.0.0.1', port, token } = init

  checkWholeNumber('port', port, 0, 65_535)

  if (typeof host !== 'string' || host === '') {
    throw invalid('host', 'an IP address or a host name', host)
  }

  if (token !== undefined && (typeof token !== 'string' || token.length < MIN_TOKEN_LENGTH || !TOKEN.test(token))) {
    // not what it is: errors are logged
    throw invalid('token', `at least ${MIN_TOKEN_LENGTH} letters, digits or any of -._~+/`, typeof token === 'string' ? `${token.length} characters` : typeof token)
  }

  if (!isLoopback(host) && token === undefined) {
    throw invalid('token', 'one, because others can reach a host that is not loopback (127.0.0.1, ::1, localhost)', `no token for host ${host}`)
  }

  return { host, port, token }
}
