/**
 * What people are told: the log, warnings, metrics, traces, and answers to `explain` and the like.
 *
 * In: what the graph and the core refuse, what gives way, and the graph itself when somebody asks.
 * Out: lines of the log, warnings of the process, metrics, events of traces, lists.
 * Fails: a reporter that throws is logged and not used any more. Nothing here changes what is
 * refused.
 * Costs: a refusal adds to a few counts; of each kind 256 in ten seconds, and then one in 128, are
 * examined more closely. Metrics are read when they are scraped, in slices. All lists are bounded.
 */

import { ProcessWarnings } from '../util/process-warnings.ts'
import { HighWaterMarks } from './high-water-marks.ts'
import { RecentEvictions } from './recent-evictions.ts'
import { RecentRefusals } from './recent-refusals.ts'
import { RefusalLog } from './refusal-log.ts'
import { nameRequester, requesterOf } from './requester.ts'
import type { DiagnosisSource } from './diagnosis.ts'
import type { NamedRequester } from './requester.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { Logger } from '@libp2p/interface'

export interface InspectorInit {
  log: Logger

  /**
   * Whether what does not fit is refused, or only reported
   */
  enforce: boolean

  /**
   * Whether there are warnings of the process
   *
   * @default true
   */
  warnings?: boolean

  /**
   * What a diagnosis reads beside the refusals
   */
  source: DiagnosisSource
}

/**
 * Tells people what is refused: it remembers and logs it, and warns of it
 */
export class Inspector {
  readonly highWaterMarks = new HighWaterMarks()
  readonly recent = new RecentRefusals()
  readonly evictions = new RecentEvictions()
  readonly warnings: ProcessWarnings
  readonly refusalLog: RefusalLog

  constructor ({ enforce, log, source, warnings: enabled }: InspectorInit) {
    const { evictions, recent } = this
    const warnings = new ProcessWarnings({ enabled })

    this.warnings = warnings
    this.refusalLog = new RefusalLog({ enforce, evictions, log, recent, source, warnings })
  }

  /**
   * Whose it was, for the error
   */
  requesterOf (refusal: Refusal): NamedRequester {
    return nameRequester(requesterOf(refusal))
  }
}
