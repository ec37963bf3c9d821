import { checkObject } from '../util/validation.ts'
import { readBitrate } from './bitrate.ts'
import { ByteBudget } from './byte-budget.ts'
import type { Bitrate } from './bitrate.ts'

/**
 * Bit rates of both directions
 */
export interface Bitrates {
  /**
   * The most that is received: bit/s, or a text such as `'10MB/s'`. `'unlimited'`, and a
   * value of 0 or less, mean no limit.
   *
   * @default 0
   */
  maxRxBitrate?: Bitrate

  /**
   * The most that is sent: bit/s, or a text such as `'10MB/s'`. `'unlimited'`, and a value
   * of 0 or less, mean no limit.
   *
   * @default 0
   */
  maxTxBitrate?: Bitrate
}

/**
 * How fast streams may be, whatever their service is
 */
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

/**
 * Bit rates that were read, where 0 means no limit
 */
type ReadBitrates = { [K in keyof Required<Bitrates>]: number }

export function budgetsOf ({ maxRxBitrate, maxTxBitrate }: ReadBitrates): StreamBudgets {
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
  readonly #peerRates?: ReadBitrates
  readonly #peers = new WeakMap<object, StreamBudgets>()

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (field: string, init: ThrottleInit) {
    checkObject(field, init)

    const system = readBitrates(`${field}.system`, init.system)

    this.#system = system && budgetsOf(system)
    this.#peerRates = readBitrates(`${field}.peer`, init.peer)
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

  #ofPeer (peer: object, rates: ReadBitrates): StreamBudgets {
    let budgets = this.#peers.get(peer)

    if (budgets == null) {
      budgets = budgetsOf(rates)
      this.#peers.set(peer, budgets)
    }

    return budgets
  }
}

function readBitrates (field: string, bitrates?: Bitrates): ReadBitrates | undefined {
  if (bitrates === undefined) {
    return
  }

  checkObject(field, bitrates)

  return {
    maxRxBitrate: readBitrate(`${field}.maxRxBitrate`, bitrates.maxRxBitrate ?? 0),
    maxTxBitrate: readBitrate(`${field}.maxTxBitrate`, bitrates.maxTxBitrate ?? 0)
  }
}
