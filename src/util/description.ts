import { InvalidParametersError } from '@libp2p/interface'
import { unknownName } from './did-you-mean.ts'
import { join } from './problems.ts'
import { invalid, isRecord } from './validation.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Checked only where it is used
 */
export const ANY = 0

/**
 * `true` or `false`
 */
export const BOOLEAN = 1

/**
 * Which keys an option may have, at every depth. A list is described by one of its entries, and
 * an object whose keys are names by the entry `*`. The code that uses a value checks it,
 * because most values need more than a type.
 */
export type Description = typeof ANY | typeof BOOLEAN | readonly [Description] | { readonly [key: string]: Description }

/**
 * What has methods, or nothing to describe
 */
type Opaque = string | number | boolean | null | undefined | Multiaddr | { tag: string } | { isAllowed(ip: string): boolean } | ((...args: any[]) => unknown)

type ObjectIn<T> = Exclude<T, Opaque>

/**
 * The description for options of a type, with all of their keys: a key that was added to the
 * type and forgotten here is an error of the compiler
 */
export type DescriptionOf<T> =
  [Exclude<T, undefined>] extends [boolean]
    ? (true extends T ? typeof BOOLEAN : typeof ANY)
    : [ObjectIn<T>] extends [never]
        ? typeof ANY
        : ObjectIn<T> extends ReadonlyArray<infer E>
          ? ([ObjectIn<E>] extends [never] ? typeof ANY : readonly [DescriptionOf<E>])
          : string extends keyof ObjectIn<T>
            ? DescriptionOfNamed<ObjectIn<T>[keyof ObjectIn<T>]>
            : { readonly [K in keyof Required<ObjectIn<T>>]: DescriptionOf<ObjectIn<T>[K]> }

/**
 * The lists and objects that are found by a name
 */
type DescriptionOfNamed<T> = [Exclude<ObjectIn<T>, readonly Opaque[]>] extends [never] ? typeof ANY : { readonly '*': DescriptionOf<T> }

/**
 * The error for a key that nobody reads
 */
export function unknownOption (path: string, key: string, hint: string): InvalidParametersError {
  return new InvalidParametersError(`${join(path, key)}: unknown option (${hint})`)
}

/**
 * Finds keys that nobody would read, at every depth, and values that should be true or false
 * and are not
 *
 * @throws {InvalidParametersError} naming the first of them, and what was meant
 */
export function checkDescribed (path: string, value: unknown, description: Description): void {
  if (description === BOOLEAN && value !== undefined && typeof value !== 'boolean') {
    throw invalid(path, 'true or false', value)
  }

  if (typeof description === 'number') {
    return
  }

  if (description instanceof Array) {
    if (Array.isArray(value)) {
      value.forEach((entry, i) => { checkDescribed(`${path}[${i}]`, entry, description[0]) })
    }
  } else if (isRecord(value)) {
    for (const [key, entry] of Object.entries(value)) {
      const described = description['*'] ?? (Object.hasOwn(description, key) ? description[key] : undefined)

      if (described === undefined) {
        throw unknownOption(path, key, unknownName(key, Object.keys(description)))
      }

      checkDescribed(join(path, key), entry, described)
    }
  }
}
