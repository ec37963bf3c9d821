/**
 * Longer values are cut when they are quoted in a message: a whole file pasted
 * into a field should not be repeated in a log
 */
const MAX_QUOTED_LENGTH = 64

/**
 * How a value is quoted in a message
 */
export function describe (value: unknown): string {
  if (value === null) {
    return 'null'
  }

  switch (typeof value) {
    case 'string': {
      const quoted = JSON.stringify(value)

      return quoted.length > MAX_QUOTED_LENGTH ? `${quoted.slice(0, MAX_QUOTED_LENGTH)}…"` : quoted
    }
    case 'object': {
      const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)

      return tag === 'Object' || tag === 'Array' ? `an ${tag.toLowerCase()}` : `a ${tag}`
    }
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}
