import { ResourceManagerService } from './libp2p/resource-manager-service.ts'
import { NullResourceManager } from './null-resource-manager.ts'
import { DefaultResourceManager } from './resource-manager.ts'
import type { ResourceManager, ResourceManagerInit } from './interface.ts'
import type { ResourceManagerComponents } from './libp2p/resource-manager-service.ts'

/**
 * The resource manager as a service of a libp2p node
 */
export function resourceManager (init: ResourceManagerInit = {}): (components: ResourceManagerComponents) => ResourceManager {
  return (components) => init.enabled === false ? new NullResourceManager() : new ResourceManagerService(components, init)
}

/**
 * A resource manager that is not wired to a node: for custom stacks, tests and
 * tools
 */
export function createResourceManager (init: ResourceManagerInit = {}): ResourceManager {
  return init.enabled === false ? new NullResourceManager() : new DefaultResourceManager(init)
}

export { NullResourceManager }
export { getConnectionScope, getStreamScope } from './scopes/attached-scopes.ts'
export { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_HIGH, MEMORY_PRIORITY_LOW, MEMORY_PRIORITY_MEDIUM } from './scopes/memory-priority.ts'
export * from './errors.ts'
export type { ResourceManager, ResourceManagerInit, ResourceManagerStat } from './interface.ts'
export type { ResourceManagerComponents } from './libp2p/resource-manager-service.ts'
export type { RefusalCount } from './scopes/refusal-counts.ts'
export type { ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScope, ResourceScopeSpan, ScopeStat, ServiceScope, StreamScope } from './scopes/resource-scope.ts'
