import { InvalidParametersError } from '@libp2p/interface'
import { unknownName } from './did-you-mean.ts'
import { join } from './problems.ts'
import { invalid, isRecord } from './validation.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What is looked at where it is used only
 */
export const ANY = 0

/**
 * `true` or `false`
 */
export const BOOLEAN = 1

/**
 * Which keys an option may have, at every depth: a list is described by one of its
 * entries, and an object whose keys are names by the entry `*`. Whether the values are
 * right is for those to say who use them, as there is more to say about most of them.
 */
export type Description = typeof ANY | typeof BOOLEAN | readonly [Description] | { readonly [key: string]: Description }

/**
 * What has methods, or nothing to describe
 */
type Opaque = string | number | boolean | null | undefined | Multiaddr | { tag: string } | { isAllowed(ip: string): boolean } | ((...args: any[]) => unknown)

type ObjectIn<T> = Exclude<T, Opaque>

/**
 * The description that options of a type need, with all of their keys: where one is
 * added to the type and forgotten in the description, this is an error of the compiler
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
 * Looks for keys that nobody would read, at every depth, and for what should be true or
 * false and is not
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
