import { DefaultResourceManager } from '../manager/resource-manager.ts'
import { UsualUse } from '../reporting/usual-use.ts'
import { inSlices } from '../util/slices.ts'
import type { ResourceManager } from '../interface.ts'
import type { Run } from '../reporting/sliced-manager.ts'
import type { DescribedMark } from '../reporting/usual-use.ts'

/**
 * The high-water marks of a manager, with what is usual since the server was started
 */
export class DescribedMarks {
  readonly #manager: ResourceManager
  readonly #usual?: UsualUse

  constructor (manager: ResourceManager) {
    this.#manager = manager

    if (manager instanceof DefaultResourceManager) {
      this.#usual = new UsualUse()
      this.#usual.start(manager.metricsSource.graph)
    }
  }

  /**
   * @param run - does in slices what takes longer
   */
  async list (run: Run = inSlices): Promise<DescribedMark[]> {
    const manager = this.#manager
    const usual = this.#usual

    return run(function * (slice) {
      const marks = manager.highWaterMarks()

      return usual === undefined ? marks : yield * usual.describe(marks, slice)
    })
  }

  close (): void {
    this.#usual?.stop()
  }
}
