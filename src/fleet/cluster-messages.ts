import { isRecord } from '../util/validation.ts'
import { LAYOUT_VERSION, MAX_AMOUNT } from './protocol.ts'
import type { ScriptName } from './protocol.ts'

/**
 * Marks messages of fleets, so that they differ from those of the program
 */
const TYPE = 'libp2p-resource-manager/fleet'

const MAX_KEY_LENGTH = 4_096
const MAX_LIST_LENGTH = 10_000

/**
 * From a worker: run a script
 */
export interface ClusterCall {
  type: typeof TYPE
  version: string
  call: number
  script: ScriptName
  key: string
  argument: string
}

/**
 * From the primary: what a script answers, or why it does not
 */
export interface ClusterAnswer {
  type: typeof TYPE
  call: number
  answer?: string
  error?: string
}

/**
 * From the primary: what a script has published
 */
export interface ClusterNews {
  type: typeof TYPE
  channel: string
  message: string
}

export function callOf (call: number, script: ScriptName, key: string, argument: string): ClusterCall {
  return { type: TYPE, version: LAYOUT_VERSION, call, script, key, argument }
}

export function answerOf (call: number, answer: { answer: string } | { error: string }): ClusterAnswer {
  return { type: TYPE, call, ...answer }
}

export function newsOf (channel: string, message: string): ClusterNews {
  return { type: TYPE, channel, message }
}

/**
 * @returns The call, or `undefined` for what is none
 */
export function readCall (message: unknown): ClusterCall | undefined {
  if (isOurs(message) && Number.isSafeInteger(message.call) && typeof message.version === 'string' && isKey(message.key) && typeof message.argument === 'string') {
    return message as unknown as ClusterCall
  }
}

/**
 * @returns The message of the primary, or `undefined` if it is none of a fleet
 */
export function readReply (message: unknown): ClusterAnswer | ClusterNews | undefined {
  if (isOurs(message) && (Number.isSafeInteger(message.call) ? typeof (message.answer ?? message.error) === 'string' : typeof message.channel === 'string' && typeof message.message === 'string')) {
    return message as unknown as ClusterAnswer | ClusterNews
  }
}

/**
 * Whether a script can use its argument: Redis checks types while it adds up, the engine in
 * TypeScript does not
 */
export function isArgument (script: unknown, text: string): boolean {
  if (script === 'leave' || script === 'read') {
    return text.length <= MAX_KEY_LENGTH
  }

  const value: unknown = JSON.parse(text)

  // -1 is the version of a node that has to find out which one there is
  if (!isRecord(value) || !isInteger(value.policy)) {
    return false
  }

  if (script === 'decide') {
    // the next one has to be counted as well
    return isInteger(value.next) && value.next > value.policy && value.next < MAX_AMOUNT && typeof value.text === 'string'
  }

  if (!isKey(value.id) || !isAmount(value.seq) || !isAmount(value.ttl) || !isListOf(value.gone, isKey)) {
    return false
  }

  return script === 'rates' ? isRates(value) : script === 'sync' && isSync(value)
}

function isRates ({ acked, groups, held, shares, tokens }: Record<string, unknown>): boolean {
  return isAmount(acked ?? 0) && isListOf(tokens, entry => isNamed(entry, 8)) && isListOf(shares, entry => isNamed(entry, 3)) && isListOf(held ?? [], entry => isKey(entry) || isAmount(entry)) && isListOf(groups, isKey)
}

function isSync ({ acked, scopes, sum }: Record<string, unknown>): boolean {
  return isAmount(acked ?? 0) && typeof sum === 'string' && isListOf(scopes, isScope)
}

function isNamed (value: unknown, amounts: number): boolean {
  return Array.isArray(value) && value.length === 1 + amounts && value.every((entry, i) => i === 0 ? isKey(entry) : isAmount(entry))
}

function isScope (value: unknown): boolean {
  return Array.isArray(value) && isKey(value[0]) && isListOf(value[1], field => Array.isArray(field) && field.length === 5 && field.every(isAmount))
}

function isListOf (value: unknown, isEntry: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= MAX_LIST_LENGTH && value.every(isEntry)
}

function isInteger (value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isAmount (value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_AMOUNT
}

function isKey (value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_KEY_LENGTH
}

function isOurs (message: unknown): message is Record<string, unknown> {
  return isRecord(message) && message.type === TYPE
}
