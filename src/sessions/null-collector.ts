import { History } from './history.ts'
import type { Collector, Summary } from './collector.ts'
import type { Session } from './session.ts'

/**
 * Collects nothing and limits nothing
 */
export class NullCollector implements Collector {
  register (): void {}

  activate (): boolean {
    return false
  }

  registerAndActivate (): void {}

  extra (): void {}

  unregister (): void {}

  ingress (): void {}

  egress (): void {}

  ingressBitrate (): number {
    return 0
  }

  egressBitrate (): number {
    return 0
  }

  maxIngressBitrate (): number {
    return 0
  }

  maxEgressBitrate (): number {
    return 0
  }

  topIngressBitrate (): number {
    return 0
  }

  topEgressBitrate (): number {
    return 0
  }

  isIngressBitrateExceeded (): boolean {
    return false
  }

  isEgressBitrateExceeded (): boolean {
    return false
  }

  isSessionsExceeded (): boolean {
    return false
  }

  isKnownSession (): boolean {
    return false
  }

  isCollectableIP (): boolean {
    return true
  }

  summary (): Summary {
    return {
      maxSessions: 0,
      maxRxBitrate: 0,
      maxTxBitrate: 0,
      currentSessions: 0,
      currentRxBitrate: 0,
      currentTxBitrate: 0,
      active: [],
      summary: new History(0).summary()
    }
  }

  active (): Session[] {
    return []
  }

  sessionTopIngressBitrate (): number {
    return 0
  }

  sessionTopEgressBitrate (): number {
    return 0
  }

  sessionSetTopIngressBitrate (): void {}

  sessionSetTopEgressBitrate (): void {}

  sessions (): number {
    return 0
  }

  pendingSessions (): number {
    return 0
  }

  maxSessions (): number {
    return 0
  }

  addCompanion (): void {}

  companionIngressBitrate (): number {
    return 0
  }

  companionEgressBitrate (): number {
    return 0
  }

  companionTopIngressBitrate (): number {
    return 0
  }

  companionTopEgressBitrate (): number {
    return 0
  }

  start (): void {}

  stop (): void {}
}
