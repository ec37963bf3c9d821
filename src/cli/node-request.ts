import { peerIdFromString } from '@libp2p/peer-id'
import { printable } from '../util/printable.ts'
import { isRecord } from '../util/validation.ts'
import { addCommand } from './command.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import type { CommandDescription, CommonOptions } from './command.ts'
import type { Command } from 'commander'

/**
 * Options of commands that look at a running node
 */
export interface NodeOptions extends CommonOptions {
  url?: string
  token?: string
}

/**
 * Where they come from where the command line does not say
 */
export const URL_VARIABLE = 'LIBP2P_RESOURCE_MANAGER_URL'
export const TOKEN_VARIABLE = 'LIBP2P_RESOURCE_MANAGER_TOKEN'

export const TOKEN_HELP = `the token of the node, where it takes one. Others on this machine can see command lines: better is $${TOKEN_VARIABLE}`

/**
 * How much a node may say, in bytes
 */
const MAX_ANSWER = 64 * 2 ** 20

/**
 * The same where all that it says is what is wrong
 */
const MAX_ERROR = 64 * 2 ** 10

/**
 * How long a node may take to answer, in ms: one that is attacked takes its time
 */
const TIMEOUT = 30_000

/**
 * Adds a command that looks at a running node
 */
export function addNodeCommand (parent: Command, nameAndArguments: string, { exitCodes, ...description }: CommandDescription): Command {
  return addCommand(parent, nameAndArguments, {
    ...description,
    exitCodes: { ...exitCodes, [EXIT.UNREACHABLE]: 'the node did not answer, or answered with an error' }
  })
    .option('--url <url>', `the admin server of the node, such as http://127.0.0.1:9095/ (default: $${URL_VARIABLE})`)
    .option('--token <token>', TOKEN_HELP)
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut off',
  ENOTFOUND: 'there is no host of this name',
  EHOSTUNREACH: 'the host cannot be reached',
  ETIMEDOUT: 'it took too long'
}

/**
 * The URL of something that a node answers
 *
 * @throws {CommandError} if there is no address
 */
export function nodeURL ({ url = process.env[URL_VARIABLE] }: NodeOptions, path: string): URL {
  if (url === undefined || url === '') {
    throw new CommandError(`expected --url or $${URL_VARIABLE}: the address of the admin server of the node`)
  }

  const base = URL.parse(/^https?:\/\//.test(url) ? url : `http://${url}`)

  if (base == null) {
    throw new CommandError(`--url: expected an address such as http://127.0.0.1:9095/, got ${JSON.stringify(url)}`)
  }

  // a proxy may have it below a path
  base.pathname = base.pathname.replace(/\/?$/, '/')

  return new URL(path, base)
}

export function tokenHeaders ({ token = process.env[TOKEN_VARIABLE] }: NodeOptions): Record<string, string> {
  return token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }
}

/**
 * Asks a node
 *
 * @returns the answer, if it is not an error
 * @throws {CommandError} saying what the node answered, or why it did not
 */
export async function fetchFromNode (options: NodeOptions, path: string, init: RequestInit = {}): Promise<Response> {
  const url = nodeURL(options, path)
  let res: Response

  try {
    res = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT), ...init, headers: { ...tokenHeaders(options), ...init.headers } })
  } catch (err: any) {
    throw new CommandError(`${url.origin}: ${err.name === 'TimeoutError' ? REASONS.ETIMEDOUT : REASONS[err.cause?.code] ?? err.cause?.message ?? err.message}`, EXIT.UNREACHABLE)
  }

  if (!res.ok) {
    const text = await readAnswer(res, url.origin, MAX_ERROR).catch(() => '')
    // lines stay lines
    const said = (errorIn(text) ?? `${res.status} ${res.statusText}`).split('\n').map(printable).join('\n')

    // a mistake in the request is a mistake in the command line
    throw new CommandError(`${url.origin}: ${said}`, res.status === 400 ? EXIT.UNUSABLE : EXIT.UNREACHABLE)
  }

  return res
}

/**
 * Asks a node for its events, which go on as long as the node runs: only the beginning of the
 * answer has to come in time
 *
 * @param options
 * @param signal - ends it
 * @param timeout - in ms
 * @throws {CommandError} as above
 */
export async function followNode (options: NodeOptions, signal?: AbortSignal, timeout = TIMEOUT): Promise<Response> {
  const waiting = new AbortController()
  const timer = setTimeout(() => { waiting.abort(new DOMException(REASONS.ETIMEDOUT, 'TimeoutError')) }, timeout)

  try {
    return await fetchFromNode(options, 'events', { signal: AbortSignal.any([waiting.signal, ...signal == null ? [] : [signal]]) })
  } finally {
    clearTimeout(timer)
  }
}

function errorIn (text: string): string | undefined {
  try {
    const { error } = JSON.parse(text)

    return typeof error === 'string' ? error : undefined
  } catch {
    // not from an admin server
  }
}

async function readAnswer ({ body }: Response, origin: string, max = MAX_ANSWER): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0

  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength

      if (size > max) {
        break
      }

      chunks.push(chunk)
    }
  } catch (err: any) {
    throw new CommandError(`${origin}: ${err.cause?.message ?? err.message}`, EXIT.UNREACHABLE)
  }

  if (size > max) {
    throw new CommandError(`${origin}: it answered more than ${max / 2 ** 20} MiB`, EXIT.UNREACHABLE)
  }

  return Buffer.concat(chunks).toString()
}

/**
 * The same for answers in JSON
 *
 * @param options
 * @param path
 * @param isAnswer - whether it is what an admin server answers
 * @param parameters
 * @param init
 */
export async function askNode <T> (options: NodeOptions, path: string, isAnswer: (answer: any) => boolean, parameters: Record<string, string | undefined> = {}, init: RequestInit = {}): Promise<T> {
  const query = new URLSearchParams()

  Object.entries(parameters).forEach(([name, value]) => { value === undefined || query.set(name, value) })

  const res = await fetchFromNode(options, query.size === 0 ? path : `${path}?${query}`, init)
  const { origin } = nodeURL(options, '')
  const text = await readAnswer(res, origin)
  let answer: any

  try {
    answer = JSON.parse(text)
  } catch {
    throw new CommandError(`${origin}: expected JSON: is that the address of an admin server?`, EXIT.UNREACHABLE)
  }

  if (!isAnswer(answer)) {
    throw new CommandError(`${origin}: expected the answer of an admin server, got something else: is that its address?`, EXIT.UNREACHABLE)
  }

  return answer
}

/**
 * @throws {CommandError} naming the option, if its value is no peer id
 */
export function checkPeerOption (peer: string | undefined): void {
  try {
    peer === undefined || peerIdFromString(peer)
  } catch {
    throw new CommandError(`--peer: expected a peer id, got ${JSON.stringify(peer)}`)
  }
}

type Shape = Record<string, 'string' | 'number' | 'boolean' | 'optional'>

/**
 * Whether something from JSON has fields of these types, and texts that are optional
 */
export function hasShape (value: unknown, shape: Shape): boolean {
  return isRecord(value) && Object.entries(shape).every(([name, type]) => {
    const actual: string = typeof value[name]

    return type === 'optional' ? actual === 'undefined' || actual === 'string' : actual === type
  })
}

/**
 * The same of each item of a list
 */
export function isListOf (value: unknown, shape: Shape): boolean {
  return Array.isArray(value) && value.every(item => hasShape(item, shape))
}
