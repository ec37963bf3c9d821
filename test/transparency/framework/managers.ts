import { DefaultLimits } from '../../../src/limits.ts'
import type { ResourceManagerInit } from '../../../src/index.ts'

/**
 * The managers that honest programs must not notice: what users choose between, and
 * the smallest of each
 */
export const MANAGERS = {
  default: {},
  relay: { profile: 'relay' },
  server: { profile: 'server' },
  desktop: { profile: 'desktop' },
  browser: { profile: 'browser' },
  '64 MiB': { maxMemory: '64MiB' },
  '100 connections': { maxConnections: 100 },
  'small machine': { limits: DefaultLimits.scale({ memory: 0 }) }
} satisfies Record<string, ResourceManagerInit>

export type ManagerName = keyof typeof MANAGERS

export const MANAGER_NAMES = Object.keys(MANAGERS) as ManagerName[]
