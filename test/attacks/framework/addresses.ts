/**
 * All of 127.0.0.0/8 is this machine, so every party can have addresses of its own.
 * Systems that only have 127.0.0.1 cannot run the attacks.
 */
export const HONEST_ADDRESS = '127.0.0.1'

export const TRUSTED_ADDRESS = '127.0.0.2'
export const DOWNLOADER_ADDRESS = '127.0.0.3'

/**
 * How many addresses the attackers have
 */
export const ATTACK_ADDRESSES = 64

/**
 * One of the addresses of the attackers
 */
export function attackAddress (i: number): string {
  return `127.0.1.${1 + i % ATTACK_ADDRESSES}`
}

/**
 * How many networks the attackers have, where it matters
 */
export const ATTACK_NETWORKS = 64

/**
 * How many bits the addresses of one of these networks have in common
 */
export const NETWORK_BITS = 24

/**
 * An address in one of the networks of the attackers. The honest peer is in none of these.
 */
export function networkAddress (network: number, host: number = 0): string {
  return `127.1.${network % ATTACK_NETWORKS}.${1 + host}`
}
