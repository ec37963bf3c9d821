/**
 * The admin server: it shows a running node to a browser, to commands and to Prometheus.
 *
 * In: HTTP requests, on loopback unless there is a token, and the resource manager of the node.
 * Out: a live page, JSON, server-sent events and metrics. With the token, other limits.
 * Fails: a request gets an error status and the reason. A port that is taken, or an option that
 * cannot be used, is an `InvalidParametersError` when the server starts. The node never fails
 * because of it.
 * Costs: a sample each second, and one of the scopes every 100 ms. Snapshots for live views take
 * 1% of the time at most, in slices of a millisecond. What clients do not read is bounded.
 */

import { createServer } from 'node:http'
import { defaultLogger } from '@libp2p/logger'
import { sliceManager } from '../reporting/sliced-manager.ts'
import { invalid } from '../util/validation.ts'
import { checkInit, hostInURL } from './admin-server-init.ts'
import { noRequests } from './admin-stat.ts'
import { answer, answerError, answerJSON, readBody, RequestError } from './answers.ts'
import { DescribedMarks } from './described-marks.ts'
import { Guard } from './guard.ts'
import { LiveFeed } from './live-feed.ts'
import { isPageFile, readPageFile } from './page-files.ts'
import { PatchedLimits } from './patched-limits.ts'
import { PrometheusText } from './prometheus-text.ts'
import { READS } from './reads.ts'
import { RequestTurns } from './request-turns.ts'
import { Snapshots } from './snapshot.ts'
import type { AdminServerInit } from './admin-server-init.ts'
import type { AdminStat } from './admin-stat.ts'
import type { AdminNode } from './reads.ts'
import type { ResourceManager } from '../interface.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Files with limits have some kB
 */
const MAX_BODY_BYTES = 2 ** 20

const MAX_CONNECTIONS = 64

/**
 * How long a request may take to arrive, and for how long nobody may read an answer, in ms
 */
const REQUEST_TIMEOUT = 10_000
const IDLE_TIMEOUT = 30_000

/**
 * A server that shows a running node
 */
export interface AdminServer {
  /** The address of the page, such as `http://127.0.0.1:9095/` */
  readonly url: string

  /** The number of the port on which it listens */
  readonly port: number

  /**
   * What the server itself has done
   */
  stat(): AdminStat

  /**
   * Ends everything: live views, requests that are being answered, and the port. A second
   * call does nothing more.
   *
   * @returns When the port is free again
   */
  close(): Promise<void>
}

const log = defaultLogger().forComponent('libp2p:resource-manager:admin')

class DefaultAdminServer implements AdminServer {
  readonly #node: AdminNode
  readonly #guard: Guard
  readonly #turns: RequestTurns
  readonly #host: string
  readonly #server: Server
  readonly #stat = noRequests()
  readonly #feed: LiveFeed
  readonly #limits: PatchedLimits
  readonly #prometheus: PrometheusText
  #closing?: Promise<void>

  constructor (manager: ResourceManager, init: ReturnType<typeof checkInit>) {
    this.#node = { manager, sliced: sliceManager(manager), marks: new DescribedMarks(manager) }
    this.#host = init.host
    this.#guard = new Guard(init)
    this.#turns = new RequestTurns(this.#guard, this.#stat)
    this.#feed = new LiveFeed(manager, new Snapshots(manager, this.#node.marks), this.#stat, (err) => { log.error('could not take a snapshot of the node - %e', err) })
    this.#limits = new PatchedLimits(manager)
    this.#prometheus = new PrometheusText(manager)
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT, maxHeaderSize: 8_192 }, (req, res) => { void this.#handle(req, res) })
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.timeout = IDLE_TIMEOUT
  }

  get port (): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get url (): string {
    return `http://${hostInURL(this.#host)}:${this.port}/`
  }

  stat (): AdminStat {
    return { ...this.#stat }
  }

  async listen (port: number): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject)
        this.#server.listen({ port, host: this.#host, exclusive: true }, resolve)
      })
    } catch (err: any) {
      this.#stop()

      throw errorOfListening(err, this.#host, port)
    }

    // nothing that happens to the server later may end the process
    this.#server.on('error', (err) => { log.error('server failed - %e', err) })
    log('listening on %s', this.url)
  }

  async close (): Promise<void> {
    this.#closing ??= new Promise(resolve => {
      this.#stop()
      this.#server.close(() => { resolve() })
      this.#server.closeAllConnections()
    })

    await this.#closing
  }

  #stop (): void {
    this.#feed.close()
    this.#node.marks.close()
  }

  async #handle (req: IncomingMessage, res: ServerResponse): Promise<void> {
    // whoever has gone in the middle is nobody's problem
    res.on('error', () => {})
    this.#turns.begin(res)
    this.#stat.requests++

    try {
      await this.#answer(req, res)
    } catch (err: any) {
      if (res.headersSent) {
        res.destroy()
      } else {
        answerError(res, this.#errorOf(err))
      }
    }
  }

  #errorOf (err: any): RequestError {
    if (err instanceof RequestError) {
      return err
    }

    switch (err.name) {
      case 'InvalidParametersError':
        return new RequestError(400, err.message)
      case 'MissingFeatureError':
        return new RequestError(404, err.message)
      default:
        log.error('could not answer - %e', err)

        // what it is is for the log, not for whoever asks
        return new RequestError(500, 'internal error, see the log of the node')
    }
  }

  async #answer (req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname, searchParams } = urlOf(req)
    const isPage = isPageFile(pathname)

    if (this.#guard.isForeign(req, pathname === '/')) {
      this.#stat.foreign++
      throw new RequestError(403, 'expected a request to an IP address or localhost, and from no other site')
    }

    this.#turns.take(req)

    const isRead = req.method === 'GET' || req.method === 'HEAD'

    if (!isRead || (this.#guard.readsNeedToken && !isPage)) {
      await this.#turns.authorize(req)
    }

    if (!isRead) {
      await this.#change(req, res, pathname)
    } else if (isPage) {
      const { content, type } = await readPageFile(pathname)

      answer(res, 200, type, content)
    } else if (pathname === '/events' && req.method === 'GET') {
      this.#feed.listen(res)
    } else if (pathname === '/metrics') {
      const { text, type } = await this.#prometheus.read()

      answer(res, 200, type, text)
    } else if (Object.hasOwn(READS, pathname)) {
      answerJSON(res, await READS[pathname](this.#node, searchParams))
    } else {
      throw new RequestError(404, `expected one of ${['/', '/events', '/metrics', ...Object.keys(READS)].join(', ')}`)
    }
  }

  async #change (req: IncomingMessage, res: ServerResponse, pathname: string): Promise<void> {
    if (pathname !== '/limits' || (req.method !== 'PATCH' && req.method !== 'PUT')) {
      throw new RequestError(405, 'expected GET, or PATCH or PUT of /limits', { allow: pathname === '/limits' ? 'GET, HEAD, PATCH, PUT' : 'GET, HEAD' })
    }

    const result = this.#limits.apply(await readBody(req, MAX_BODY_BYTES), req.method === 'PUT')

    log('limits were changed by a request: %d changes', result.changes.length)
    answerJSON(res, result)
  }
}

function urlOf ({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://localhost')
  } catch {
    throw new RequestError(400, 'expected a path')
  }
}

function errorOfListening (err: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (err.code) {
    case 'EADDRINUSE':
      return invalid('port', `a port that is free on ${host}: another admin server or program listens there`, port)
    case 'EACCES':
      return invalid('port', 'a port that this user may listen on', port)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return invalid('host', 'an address of this machine', host)
    default:
      return err
  }
}

/**
 * Starts the server
 */
export async function startAdminServer (manager: ResourceManager, init: AdminServerInit): Promise<AdminServer> {
  if (typeof manager?.stat !== 'function' || typeof manager.setLimits !== 'function') {
    throw invalid('manager', 'a resource manager', manager)
  }

  const checked = checkInit(init)
  const server = new DefaultAdminServer(manager, checked)

  await server.listen(checked.port)

  return server
}
