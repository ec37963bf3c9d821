/**
 * Has the clock of this process show another time of day, as if somebody had set it. What was imported before this
 * may have the real one.
 */
let ahead = 0

const RealDate = Date

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) => args.length === 0 ? new RealDate(target.now() + ahead) : Reflect.construct(target, args),
  get: (target, property) => property === 'now' ? () => target.now() + ahead : Reflect.get(target, property)
})

/**
 * @param ms - how far ahead it is from now on
 */
export function setTimeOfDay (ms: number): void {
  ahead = ms
}
