import { Managers } from './managers.ts'
import type { ManagersReport, Mode } from './managers.ts'

/**
 * What one part says to all others
 */
export interface Said {
  name: string
  value: unknown
}

/**
 * What a part hands back when it is over
 */
export interface PartReport {
  /** What has to be the same without a resource manager */
  outcome: unknown
  resources: ManagersReport
  /** Of what was measured, in ms */
  elapsed: number
  /** Of this process while it was measured, user and system, in ms */
  cpu: number
  /** The largest resident set of this process, in bytes */
  resident: number
}

/**
 * What a part sends to the process that has started it
 */
export interface FromPart {
  said?: Said
  report?: PartReport
}

/**
 * One process of a program that has several, such as one of two peers
 */
export class Part {
  /** Which of the parts this is */
  readonly role: string
  /** The roles of all other parts */
  readonly others: string[]
  readonly managers: Managers
  readonly #heard = new Map<string, PromiseWithResolvers<any>>()
  elapsed = 0
  cpu = 0

  constructor (role: string, others: string[], mode: Mode) {
    this.role = role
    this.others = others
    this.managers = new Managers(mode)
    process.on('message', ({ name, value }: Said) => { this.#promised(name).resolve(value) })
  }

  /**
   * Tells the other parts something
   */
  say (name: string, value: unknown = null): void {
    send({ said: { name: `${this.role}.${name}`, value } })
  }

  /**
   * Waits until another part has said something, such as `listener.address`
   */
  async heard <T = unknown> (name: string): Promise<T> {
    return this.#promised(name).promise
  }

  /**
   * Waits until all parts have come this far
   */
  async together (name: string): Promise<void> {
    this.say(name)
    await Promise.all(this.others.map(async other => this.heard(`${other}.${name}`)))
  }

  /**
   * Adds the time that something takes, and the work that it is for this process
   */
  async measure <T> (work: () => Promise<T>): Promise<T> {
    const before = process.cpuUsage()
    const start = performance.now()
    const result = await work()
    const { user, system } = process.cpuUsage(before)

    this.elapsed += performance.now() - start
    this.cpu += (user + system) / 1000

    return result
  }

  #promised (name: string): PromiseWithResolvers<any> {
    const promised = this.#heard.get(name) ?? Promise.withResolvers<any>()

    this.#heard.set(name, promised)

    return promised
  }
}

/**
 * Runs what this process does in a program. It has to have stopped its nodes in the
 * end.
 *
 * @param work - returns what has to be the same without a resource manager
 */
export async function play (work: (part: Part) => Promise<unknown>): Promise<void> {
  const [mode, role, ...others] = process.argv.slice(2)
  const part = new Part(role, others, mode as Mode)
  const outcome = await work(part)

  send({
    report: {
      outcome,
      resources: await part.managers.report(),
      elapsed: part.elapsed,
      cpu: part.cpu,
      // it is in KiB
      resident: process.resourceUsage().maxRSS * 1024
    }
  }, () => { process.exit() })
}

function send (message: FromPart, sent = () => {}): void {
  process.send?.(message, sent)
}
