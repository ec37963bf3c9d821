/**
 * What examples get as `libp2p-resource-manager`: all of it, and what they configure is kept
 */
export * from '../../src/index.ts'
export { recordingResourceManager as resourceManager } from './examples.ts'
