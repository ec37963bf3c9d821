/**
 * How the keys of a configuration are written: as they are called in
 * TypeScript, or as go-libp2p calls them in its files
 */
export interface Spelling {
  /**
   * What every path in a message begins with
   */
  root: string

  /**
   * The written form of a key
   */
  name(key: string): string

  /**
   * Files may hold memory as a decimal string, because not every reader of JSON
   * keeps integers of 64 bits, and big integers of TOML
   */
  file: boolean
}

/**
 * `limits.system.streamsInbound`
 */
export const TYPESCRIPT: Spelling = {
  root: 'limits',
  name: (key) => key,
  file: false
}

/**
 * `System.StreamsInbound`
 */
export const FILE: Spelling = {
  root: '',
  name: (key) => key === 'fd' ? 'FD' : `${key.charAt(0).toUpperCase()}${key.slice(1)}`,
  file: true
}
