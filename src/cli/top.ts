import { setTimeout as sleep } from 'node:timers/promises'
import { readEvents } from '../admin/event-stream.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { addNodeCommand, askNode, followNode, nodeURL } from './node-request.ts'
import { isUsage } from './node-usage.ts'
import { styled } from './terminal.ts'
import { liveDataOf, NOT_LIVE_DATA } from './top-data.ts'
import { rowsOf, SORTS, VIEWS } from './top-rows.ts'
import { TopScreen } from './top-screen.ts'
import { drawTop, listHeight } from './top-view.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { Terminal } from './terminal.ts'
import type { TopRow } from './top-row.ts'
import type { TopState } from './top-rows.ts'
import type { DrawnLine, Emphasis } from './top-view.ts'
import type { BarStat, LiveData } from '../admin/live-data.ts'

/**
 * How long to wait before asking a node again that has gone, in ms
 */
const RETRY = 2_000

const STYLES: Record<Emphasis, Parameters<typeof styled>[1]> = { title: 'bold', selected: 'inverse', bad: 'red', lost: 'red', dim: 'dim' }

/**
 * A live view of a node in the terminal
 */
class Top {
  readonly #terminal: Terminal
  readonly #options: NodeOptions
  readonly #url: string
  readonly #screen: TopScreen
  readonly #ending = new AbortController()
  readonly #state: TopState = { view: 'limits', sort: 'most', selected: 0, paused: false }
  #data?: LiveData

  /** The scope that the node is asked about */
  #asked?: string

  constructor (terminal: Terminal, options: NodeOptions) {
    this.#terminal = terminal
    this.#options = options
    this.#url = nodeURL(options, '').href
    this.#screen = new TopScreen(terminal, (key) => { this.#press(key) }, () => { this.#ending.abort() }, () => { this.#draw() })
  }

  async run (): Promise<void> {
    const { signal } = this.#ending
    // what is wrong from the start is said where it stays
    let res: Response | undefined = await this.#open()

    this.#screen.open()

    try {
      while (!signal.aborted) {
        try {
          await this.#follow(res ?? await this.#open())
        } catch (err: any) {
          this.#state.lost = err.message
        }

        // nothing is lost where somebody has pressed q
        if (signal.aborted) {
          break
        }

        res = undefined
        this.#draw()
        await sleep(RETRY, undefined, { signal }).catch(() => {})
      }
    } finally {
      this.#screen.close()
    }
  }

  async #open (): Promise<Response> {
    return followNode(this.#options, this.#ending.signal)
  }

  async #follow ({ body }: Response): Promise<void> {
    if (body == null) {
      throw new Error('the node has sent nothing')
    }

    for await (const { data, event } of readEvents(body)) {
      if (event === 'live') {
        const live = liveDataOf(data)

        this.#state.lost = undefined

        if (!this.#state.paused) {
          this.#data = live
          this.#draw()
          void this.#lookInto()
        }
      }
    }

    throw new Error('the node has closed the connection')
  }

  /**
   * Asks for all limits of the scope that is looked into
   */
  async #lookInto (): Promise<void> {
    const { into } = this.#state

    if (into?.scope === undefined || this.#asked === into.scope) {
      return
    }

    this.#asked = into.scope

    try {
      const usage = await askNode<BarStat[]>(this.#options, 'usage', isUsage, { scope: into.scope })

      if (this.#state.into === into) {
        this.#state.usage = usage
        this.#draw()
      }
    } catch {
      // what is in use is in what it says each second, and why nothing is heard is said there
    } finally {
      this.#asked = undefined
    }
  }

  #enter ({ name, scope }: TopRow): void {
    Object.assign(this.#state, { into: { name, scope }, usage: undefined, selected: 0 })
    void this.#lookInto()
  }

  #press (key: string): void {
    const state = this.#state
    const rows = this.#rows()
    const view = VIEWS[key as unknown as keyof typeof VIEWS]
    const move = { up: -1, down: 1, pageUp: -listHeight(this.#screen.rows), pageDown: listHeight(this.#screen.rows) }[key] ?? 0

    state.selected = Math.max(0, Math.min(state.selected + move, rows.length - 1))

    if (view != null) {
      Object.assign(state, { view, selected: 0, into: undefined, usage: undefined })
    } else if (key === 's') {
      state.sort = SORTS[(SORTS.indexOf(state.sort) + 1) % SORTS.length]
    } else if (key === 'p') {
      state.paused = !state.paused
    } else if (key === 'enter' && state.into === undefined && rows.length > 0) {
      this.#enter(rows[state.selected])
    } else if (key === 'back') {
      Object.assign(state, { into: undefined, usage: undefined, selected: 0 })
    } else if (key === 'quit') {
      this.#ending.abort()
    }

    this.#draw()
  }

  #rows (): TopRow[] {
    try {
      return this.#data == null ? [] : rowsOf(this.#data, this.#state)
    } catch {
      this.#forget()

      return []
    }
  }

  #draw (): void {
    let lines = this.#lines()

    if (lines === undefined) {
      this.#forget()
      lines = this.#lines() ?? []
    }

    this.#screen.draw(lines.map(({ emphasis, text }) => emphasis == null ? text : styled(this.#terminal.stdout, STYLES[emphasis], text)))
  }

  /**
   * @returns undefined where something is in a list that no node has there
   */
  #lines (): DrawnLine[] | undefined {
    const { columns, rows } = this.#screen

    try {
      return drawTop(this.#url, this.#data, this.#state, columns, rows)
    } catch {
      return undefined
    }
  }

  /**
   * Drops data that cannot be drawn, instead of ending: the next snapshot may be better
   */
  #forget (): void {
    this.#data = undefined
    Object.assign(this.#state, { lost: NOT_LIVE_DATA, into: undefined, usage: undefined })
  }
}

/**
 * `top`
 */
export const registerTop: Register = (program, terminal) => {
  addNodeCommand(program, 'top [url]', {
    summary: 'a live view of a running node in the terminal',
    description: 'A live view of a running node in the terminal, refreshed each second. The keys for it are in the last line. With --json, a line of JSON for each second.',
    examples: ['libp2p-resource-manager top http://127.0.0.1:9095/', 'ssh -t server npx libp2p-resource-manager top http://127.0.0.1:9095/']
  }).action(async (url: string | undefined, { json, ...options }: NodeOptions) => {
    const node = { ...options, url: url ?? options.url }

    if (json === true) {
      await writeEvents(terminal, node)
      return
    }

    if (terminal.stdout.isTTY !== true || terminal.stdin.isTTY !== true) {
      throw new CommandError('expected a terminal (with ssh: ssh -t). Use top --json, or usage and stat, in scripts.')
    }

    await new Top(terminal, node).run()
  })
}

async function writeEvents (terminal: Terminal, options: NodeOptions): Promise<void> {
  const { body } = await followNode(options)

  const events = readEvents(body as ReadableStream<Uint8Array>)

  for (;;) {
    // a server that stops cuts the connection, which is an error to read
    const { done, value } = await events.next().catch(() => ({ done: true as const, value: undefined }))

    if (done === true) {
      throw new CommandError('the node has closed the connection', EXIT.UNREACHABLE)
    }

    if (value.event === 'live') {
      terminal.stdout.write(`${JSON.stringify(value.data)}\n`)
    }
  }
}
