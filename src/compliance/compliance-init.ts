import type { CustomResourceManager } from '../libp2p/custom-manager.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'

/**
 * The test runner and the resource manager that the tests use
 */
export interface ComplianceInit {
  /** Of mocha, `node:test` or anything like these */
  describe(name: string, fn: () => void): unknown

  /** A test that fails where its function throws or rejects */
  it(name: string, fn: () => void | Promise<void>): unknown

  /**
   * Makes a new resource manager. If it has limits, it has exactly these.
   */
  create(limits?: PartialLimitConfig): CustomResourceManager | Promise<CustomResourceManager>

  /**
   * Whether it refuses requests that exceed the limits that it is made with
   *
   * @default false
   */
  refuses?: boolean

  /**
   * Whether it has all of the interface `ResourceManager`, and not only what a node needs
   *
   * @default false
   */
  complete?: boolean
}
