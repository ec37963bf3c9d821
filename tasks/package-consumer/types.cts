/**
 * The same from CommonJS, which TypeScript understands under `nodenext`
 */

import manager = require('libp2p-resource-manager')
import type { ResourceManagerInit } from 'libp2p-resource-manager'

const init: ResourceManagerInit = { maxMemory: '64MiB' }

export const connections: number = manager.createResourceManager(init).stat().system.numConnsInbound
