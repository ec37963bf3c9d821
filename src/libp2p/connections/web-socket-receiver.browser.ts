/**
 * A page cannot see what its WebSockets have received of a message
 */
export function receiverOf (): undefined {}
