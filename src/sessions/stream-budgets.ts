import { checkObject } from '../validation.ts'
import { ByteBudget } from './byte-budget.ts'
import { checkBitrate } from './collector-config.ts'

export interface Bitrates {
  /**
   * The most that is received, in bit/s. A value of 0 or less means no limit.
   *
   * @default 0
   */
  maxRxBitrate?: number

  /**
   * The most that is sent, in bit/s. A value of 0 or less means no limit.
   *
   * @default 0
   */
  maxTxBitrate?: number
}

export interface ThrottleInit {
  /**
   * For all streams of the node together
   *
   * @default {}
   */
  system?: Bitrates

  /**
   * For all streams of a peer together, each peer for itself
   *
   * @default {}
   */
  peer?: Bitrates
}

/**
 * What streams may transfer together, where it is limited
 */
export interface StreamBudgets {
  readonly rx?: ByteBudget
  readonly tx?: ByteBudget
}

export function budgetsOf ({ maxRxBitrate = 0, maxTxBitrate = 0 }: Bitrates): StreamBudgets {
  return {
    rx: maxRxBitrate > 0 ? new ByteBudget(maxRxBitrate) : undefined,
    tx: maxTxBitrate > 0 ? new ByteBudget(maxTxBitrate) : undefined
  }
}

/**
 * What all streams of a node may transfer together, and those of each peer
 */
export class NodeBudgets {
  readonly #system?: StreamBudgets
  readonly #peerRates?: Bitrates
  readonly #peers = new WeakMap<object, StreamBudgets>()

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (field: string, init: ThrottleInit) {
    checkObject(field, init)
    checkBitrates(`${field}.system`, init.system)
    checkBitrates(`${field}.peer`, init.peer)

    this.#system = init.system == null ? undefined : budgetsOf(init.system)
    this.#peerRates = init.peer
  }

  /**
   * All budgets that a stream is limited by
   *
   * @param peer - what stands for its peer for as long as there is something to
   * remember
   */
  ofStream (peer: object): StreamBudgets[] {
    const budgets = this.#system == null ? [] : [this.#system]

    return this.#peerRates == null ? budgets : [...budgets, this.#ofPeer(peer, this.#peerRates)]
  }

  #ofPeer (peer: object, rates: Bitrates): StreamBudgets {
    let budgets = this.#peers.get(peer)

    if (budgets == null) {
      budgets = budgetsOf(rates)
      this.#peers.set(peer, budgets)
    }

    return budgets
  }
}

function checkBitrates (field: string, bitrates?: Bitrates): void {
  if (bitrates !== undefined) {
    checkObject(field, bitrates)
    checkBitrate(`${field}.maxRxBitrate`, bitrates.maxRxBitrate ?? 0)
    checkBitrate(`${field}.maxTxBitrate`, bitrates.maxTxBitrate ?? 0)
  }
}
