/** Dials the address that it is sent, and waits until that is over */
export const DIAL = '/fuzz/dial/1.0.0'

/** Sends everything back */
export const ECHO = '/fuzz/echo/1.0.0'

/** Opens streams to the remote */
export const OPEN = '/fuzz/open/1.0.0'

/** Answers with half a MiB, and then reads with a loop */
export const ANSWER = '/fuzz/answer/1.0.0'
