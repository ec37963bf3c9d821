/**
 * Pages do not get at sockets
 */
export function observeDialledWebSockets (): void {}

export function socketOfDialled (): undefined {}
