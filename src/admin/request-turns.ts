import { TokenBucket } from '../admission/token-buckets.ts'
import { TokenRate } from '../admission/token-rate.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { RequestError } from './answers.ts'
import type { AdminStat } from './admin-stat.ts'
import type { Guard } from './guard.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * How many requests are answered in a second, and how many more at once. The page needs six.
 */
const REQUEST_RATE = 20
const REQUEST_BURST = 60

/**
 * How long somebody with a wrong token waits for the answer, in ms, and how many can wait
 * at once. The right token never waits.
 */
const WRONG_TOKEN_DELAY = 500
const MAX_WRONG_TOKENS = 8

/**
 * How many bytes of answers may wait for their readers. With more, there are no further
 * answers.
 */
const MAX_UNREAD = 32 * 2 ** 20

function newTurns (): TokenBucket {
  return new TokenBucket(new TokenRate(REQUEST_RATE, REQUEST_BURST))
}

/**
 * Limits how often and how much the server may be asked, and who has to wait
 */
export class RequestTurns {
  readonly #guard: Guard
  readonly #stat: AdminStat
  readonly #responses = new Set<ServerResponse>()

  // those without a token cannot use up what those with one may ask
  readonly #turns = { trusted: newTurns(), others: newTurns() }
  #wrongTokens = 0

  constructor (guard: Guard, stat: AdminStat) {
    this.#guard = guard
    this.#stat = stat
  }

  /**
   * What is written of an answer counts until it is read
   */
  begin (res: ServerResponse): void {
    res.once('close', () => { this.#responses.delete(res) })
    this.#responses.add(res)
  }

  /**
   * @throws {RequestError} if it is too soon, or answers before it were not read
   */
  take (req: IncomingMessage): void {
    const { others, trusted } = this.#turns
    const turns = this.#guard.isAuthorized(req) ? trusted : others

    if (!turns.check(performance.now())) {
      this.#stat.tooMany++
      throw new RequestError(429, `expected at most ${REQUEST_RATE} requests in a second`, { 'retry-after': '1' })
    }

    turns.commit()

    let unread = 0

    this.#responses.forEach(res => { unread += res.writableLength })

    if (unread > MAX_UNREAD) {
      this.#stat.tooMany++
      throw new RequestError(503, 'expected the answers before to be read', { 'retry-after': '30' })
    }
  }

  /**
   * @throws {RequestError} later, unless a request has the token
   */
  async authorize (req: IncomingMessage): Promise<void> {
    if (this.#guard.isAuthorized(req)) {
      return
    }

    this.#stat.unauthorized++

    if (this.#wrongTokens >= MAX_WRONG_TOKENS) {
      throw new RequestError(429, 'too many requests with a wrong token', { 'retry-after': '1', connection: 'close' })
    }

    this.#wrongTokens++
    await new Promise<void>(resolve => { setBackgroundTimer(resolve, WRONG_TOKEN_DELAY) })
    this.#wrongTokens--

    // whether there is a token is no secret, and this says what to do
    throw this.#guard.hasToken
      ? new RequestError(401, 'expected the token: Authorization: Bearer TOKEN', { 'www-authenticate': 'Bearer', connection: 'close' })
      : new RequestError(403, 'nothing can be changed: this server was made without a token', { connection: 'close' })
  }
}
