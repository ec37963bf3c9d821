/**
 * Pages do not get at sockets
 */
export function watchDialledWebSockets (): void {}

export function socketOfDialled (): undefined {}
