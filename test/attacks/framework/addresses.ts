/**
 * All of 127.0.0.0/8 is this machine, so every party can have addresses of its own.
 * Systems that only have 127.0.0.1 cannot run the attacks.
 */
export const HONEST_ADDRESS = '127.0.0.1'

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
