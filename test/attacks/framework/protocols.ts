/** Sends everything back */
export const ECHO = '/attacks/echo/1.0.0'

/** Takes its time, whatever becomes of the stream */
export const WORK = '/attacks/task/1.0.0'

/** Answers each message with 16 MiB */
export const LARGE = '/attacks/large/1.0.0'

/** Answers one that asks with 2 MiB, and does not read what else it is sent */
export const DOWNLOAD = '/attacks/download/1.0.0'
export const DOWNLOAD_LENGTH = 2 * 2 ** 20

/** What asks for the download is this byte */
export const ASK = 1

/**
 * Protocols whose handler never reads
 */
export const UNREAD: readonly string[] = Array.from({ length: 8 }, (_, i) => `/attacks/unread-${i}/1.0.0`)

/** Its handler pauses the stream, and has other things to do */
export const PAUSED = '/attacks/paused/1.0.0'

/** Its handler reads, a chunk a second */
export const SLOW = '/attacks/slow/1.0.0'
