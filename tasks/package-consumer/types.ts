/**
 * What TypeScript has to understand in a project that uses the package. It is compiled
 * for every way to resolve modules, and never run.
 */

import { createLibp2p } from 'libp2p'
import { ConnectionLimitExceededError, getStreamScope, resourceManager } from 'libp2p-resource-manager'
import { rateLimit } from 'libp2p-resource-manager/admission'
import { inspection, sessions } from 'libp2p-resource-manager/features'
import { DefaultLimits, limitsFromJSON } from 'libp2p-resource-manager/limits'
import { loadLimits, traceFile, watchLimits } from 'libp2p-resource-manager/node'
import { prometheusMetrics } from 'libp2p-resource-manager/prometheus'
import { parseScopeName } from 'libp2p-resource-manager/scope-names'
import { SessionRegistry } from 'libp2p-resource-manager/sessions'
import { limitsFromTOML } from 'libp2p-resource-manager/toml'
import type { Libp2p } from '@libp2p/interface'
import type { PartialLimitConfig, ResourceManager, ResourceManagerInit, ScopeStat } from 'libp2p-resource-manager'

const limits: PartialLimitConfig = {
  system: { connsInbound: 100, streamsOutbound: 'unlimited' },
  // @ts-expect-error a misspelt scope
  sytem: {}
}

const init: ResourceManagerInit = { limits, trace: [traceFile('trace.json.gz')] }

export const page: ResourceManagerInit = { features: { inspection, sessions }, sessions: { collectors: { 'libp2p.ping': {} } } }

export const registry = new SessionRegistry()

export async function start (): Promise<Libp2p<{ resourceManager: ResourceManager }>> {
  const node = await createLibp2p({
    services: {
      resourceManager: resourceManager(init)
    }
  })

  await node.handle('/types/1.0.0', rateLimit((stream) => {
    using span = getStreamScope(stream).beginSpan()

    span.reserveMemory(1024)
  }, { peer: { rate: 1, burst: 10 } }))

  return node
}

export async function use ({ services: { resourceManager } }: Libp2p<{ resourceManager: ResourceManager }>): Promise<ScopeStat> {
  resourceManager.setLimits(await loadLimits('limits.json'))
  resourceManager.setLimits(limitsFromTOML(''))
  resourceManager.setLimits(limitsFromJSON('{}'))
  resourceManager.setLimits(DefaultLimits.autoScale())
  watchLimits('limits.json', (limits) => { resourceManager.setLimits(limits) }).stop()
  prometheusMetrics(resourceManager)()

  // @ts-expect-error the name of a protocol is not a number
  resourceManager.viewProtocol(1, scope => scope.stat())

  return resourceManager.viewProtocol('/types/1.0.0', scope => scope.stat())
}

export function settingOf (err: unknown): string | undefined {
  return err instanceof ConnectionLimitExceededError ? err.setting : undefined
}

export function protocolOf (err: unknown): string | undefined {
  return err instanceof ConnectionLimitExceededError ? parseScopeName(err.scope)?.protocol : undefined
}
