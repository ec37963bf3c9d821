/**
 * What an error of any copy of this package has: the names of its classes. The number is the
 * version of that promise.
 */
const CLASSES = Symbol.for('libp2p-resource-manager/error/1')

/**
 * An error that `instanceof` finds with the class of the same name of another copy of this
 * package too. npm installs a second copy where two dependencies ask for different versions.
 */
export abstract class ResourceManagerError extends Error {
  static [Symbol.hasInstance] (value: any): boolean {
    return Function.prototype[Symbol.hasInstance].call(this, value) || value?.[CLASSES]?.includes?.(this.name) === true
  }

  get [CLASSES] (): string[] {
    const names: string[] = []

    for (let { constructor } = this as object; constructor !== ResourceManagerError; constructor = Object.getPrototypeOf(constructor)) {
      names.push(constructor.name)
    }

    return names
  }
}
