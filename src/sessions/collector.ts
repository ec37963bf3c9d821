import type { HistorySummary } from './history.ts'
import type { Session } from './session.ts'

/**
 * What a collector knows, ready for `JSON.stringify`
 */
export interface Summary {
  /** How many sessions there may be at most, 0 if there is no limit */
  maxSessions: number

  /** In bit/s, 0 if there is no limit */
  maxRxBitrate: number

  /** In bit/s, 0 if there is no limit */
  maxTxBitrate: number

  /** How many sessions are active */
  currentSessions: number

  /** How many sessions are pending: they count for `maxSessions` too. Not set where there are none. */
  pendingSessions?: number

  /** Average of the last ten seconds, in bit/s */
  currentRxBitrate: number

  /** Average of the last ten seconds, in bit/s */
  currentTxBitrate: number

  /** The sessions that are active, the oldest first */
  active: Session[]

  /** The sessions that have ended */
  summary: HistorySummary
}

/**
 * Who moves how many bytes at which rate.
 *
 * A session is registered, and pending until it is activated, explicitly or by its
 * first bytes. It ends when it is unregistered or has been idle for too long. A
 * session that was active then becomes part of the history, one that was pending is
 * forgotten.
 *
 * Sessions end on their own, so an unknown id is nothing unusual and is ignored. The limits are
 * there to be asked for, nothing is refused here.
 */
export interface Collector {
  /**
   * Adds a session that is pending. If there is one with this id, nothing changes.
   *
   * @param id - the name of the session
   * @param reference - what it is about, such as the protocol of a stream
   * @param location - where the other end is; `unknown` if it is empty
   * @param peer - who the other end is; `unknown` if it is empty
   * @throws {InvalidParametersError} If the id is empty or something is not a string
   */
  register(id: string, reference: string, location: string, peer: string): void

  /**
   * Activates a session
   *
   * @returns Whether it was pending: `true` only the first time
   */
  activate(id: string): boolean

  /**
   * The same as `register` and `activate`
   *
   * @throws {InvalidParametersError} If the id is empty or something is not a string
   */
  registerAndActivate(id: string, reference: string, location: string, peer: string): void

  /**
   * Attaches a text to a session, instead of the one that it had
   *
   * @throws {InvalidParametersError} If it is not a string
   */
  extra(id: string, text: string): void

  /**
   * Ends a session
   */
  unregister(id: string): void

  /**
   * Counts bytes that a session has received, and activates it if there are any
   *
   * @throws {InvalidParametersError} If it is not a whole number of bytes
   */
  ingress(id: string, bytes: number): void

  /**
   * Counts bytes that a session has sent, and activates it if there are any
   *
   * @throws {InvalidParametersError} If it is not a whole number of bytes
   */
  egress(id: string, bytes: number): void

  /**
   * What all sessions have received, as average of the last ten seconds in bit/s
   */
  ingressBitrate(): number

  /**
   * What all sessions have sent, as average of the last ten seconds in bit/s
   */
  egressBitrate(): number

  /**
   * The `maxRxBitrate` in bit/s, 0 if there is no limit
   */
  maxIngressBitrate(): number

  /**
   * The `maxTxBitrate` in bit/s, 0 if there is no limit
   */
  maxEgressBitrate(): number

  /**
   * The sum of the top ingress bit rates of the active sessions, in bit/s. It reads each of
   * them.
   */
  topIngressBitrate(): number

  /**
   * The sum of the top egress bit rates of the active sessions, in bit/s. It reads each of
   * them.
   */
  topEgressBitrate(): number

  /**
   * Whether the ingress bit rate is above its limit
   */
  isIngressBitrateExceeded(): boolean

  /**
   * Whether the egress bit rate is above its limit
   */
  isEgressBitrateExceeded(): boolean

  /**
   * Whether there is no room for another session
   */
  isSessionsExceeded(): boolean

  /**
   * Whether there is a session with this id, pending or active
   */
  isKnownSession(id: string): boolean

  /**
   * Whether sessions with this IP address should be registered
   */
  isCollectableIP(ip: string): boolean

  /**
   * Everything about the sessions that are active and those that have ended
   */
  summary(): Summary

  /**
   * The sessions that are active, the oldest first
   */
  active(): Session[]

  /**
   * The top ingress bit rate of a session in bit/s, 0 if it is not known
   */
  sessionTopIngressBitrate(id: string): number

  /**
   * The top egress bit rate of a session in bit/s, 0 if it is not known
   */
  sessionTopEgressBitrate(id: string): number

  /**
   * Sets the top ingress bit rate of a session, in bit/s. It decays from there, and
   * rises to the bit rate of the session as soon as that is higher.
   *
   * @throws {InvalidParametersError} If it is not a number from 0
   */
  sessionSetTopIngressBitrate(id: string, bitrate: number): void

  /**
   * Sets the top egress bit rate of a session, in bit/s. It decays from there, and
   * rises to the bit rate of the session as soon as that is higher.
   *
   * @throws {InvalidParametersError} If it is not a number from 0
   */
  sessionSetTopEgressBitrate(id: string, bitrate: number): void

  /**
   * How many sessions are active
   */
  sessions(): number

  /**
   * How many sessions are registered and not active yet
   */
  pendingSessions(): number

  /**
   * The `maxSessions`, 0 if there is no limit
   */
  maxSessions(): number

  /**
   * Adds a collector whose bit rates count for the `companion…Bitrate` of this one.
   * Its own companions do not, so that collectors may be companions of each other.
   * One that was added before is not counted twice.
   *
   * @throws {InvalidParametersError} If it is this collector, or none
   */
  addCompanion(collector: Collector): void

  /**
   * `ingressBitrate` of this collector and its companions together, in bit/s
   */
  companionIngressBitrate(): number

  /**
   * `egressBitrate` of this collector and its companions together, in bit/s
   */
  companionEgressBitrate(): number

  /**
   * `topIngressBitrate` of this collector and its companions together, in bit/s
   */
  companionTopIngressBitrate(): number

  /**
   * `topEgressBitrate` of this collector and its companions together, in bit/s
   */
  companionTopEgressBitrate(): number

  /**
   * Registers sessions again after `stop`
   */
  start(): void

  /**
   * Ends all sessions. From then on none are registered.
   */
  stop(): void
}
