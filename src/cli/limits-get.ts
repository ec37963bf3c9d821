import { isRecord } from '../util/validation.ts'
import { addNodeCommand, askNode } from './node-request.ts'
import { writeJSON } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'

/**
 * `limits get`
 */
export const registerLimitsGet: Register = (limits, terminal) => {
  addNodeCommand(limits, 'get', {
    summary: 'the limits that are in force in a running node, as a file',
    examples: ['libp2p-resource-manager limits get --url http://127.0.0.1:9095/ > limits.json']
  }).action(async (options: NodeOptions) => {
    // files are JSON, with or without the option
    writeJSON(terminal, await askNode(options, 'limits', (limits) => isRecord(limits?.System)))
  })
}
