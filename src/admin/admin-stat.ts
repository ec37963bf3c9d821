/**
 * What the server itself has done since it was made
 */
export interface AdminStat {
  /** How many requests were answered, of any kind */
  requests: number

  /** How many were refused because there were too many of them */
  tooMany: number

  /** How many were refused because of their `Host` or the site that they are from */
  foreign: number

  /** How many had a wrong token, or none where one is needed */
  unauthorized: number

  /** How many live views there are now */
  listeners: number

  /** How many were turned away because there were too many live views */
  listenersRefused: number

  /** How many events were left out for live views that did not read */
  eventsSkipped: number

  /** How many live views were ended because they did not read for a minute */
  listenersEnded: number
}

export function noRequests (): AdminStat {
  return { requests: 0, tooMany: 0, foreign: 0, unauthorized: 0, listeners: 0, listenersRefused: 0, eventsSkipped: 0, listenersEnded: 0 }
}
