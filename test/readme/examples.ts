import { registerHooks } from 'node:module'
import { resourceManager } from '../../src/index.ts'
import { readDocuments } from './documents.ts'
import type { ResourceManagerInit } from '../../src/index.ts'

const NAME = 'libp2p-resource-manager'

// compiled tests import compiled sources
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const MAIN = new URL(`../../src/index.${EXTENSION}`, import.meta.url).href
const RECORDING = new URL(`recording.${EXTENSION}`, import.meta.url).href

type ServiceFactory = ReturnType<typeof resourceManager>

/**
 * What the examples have called `resourceManager` with, made into services by nobody yet
 */
export const recorded: ServiceFactory[] = []

/**
 * In place of the function of the package
 */
export function recordingResourceManager (init?: ResourceManagerInit): ServiceFactory {
  const factory = resourceManager(init)

  recorded.push(factory)

  return factory
}

/**
 * The examples of the README and of all other documents, as they are written there
 */
export async function readExamples (): Promise<string[]> {
  const documents = await readDocuments()

  return Array.from(documents.values(), text => Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code)).flat()
}

/**
 * The names that an example declares
 */
export function namesIn (code: string): string[] {
  return Array.from(code.matchAll(/^(?:async )?function (\w+)|^const (\w+)/gm), ([, fn, constant]) => fn ?? constant)
}

/**
 * Runs an example with the sources of this package
 *
 * @returns What it declares
 */
export async function runExample (index: number, code: string): Promise<Record<string, any>> {
  // beside package.json, so that the other packages are found
  const url = new URL(`readme-example-${index}.ts`, `file://${process.cwd()}/`).href
  const hooks = registerHooks({
    resolve (specifier, context, next) {
      if (specifier === url) {
        return { url, format: 'module-typescript', shortCircuit: true }
      }

      if (context.parentURL === url && specifier === NAME) {
        return { url: RECORDING, shortCircuit: true }
      }

      // files that are no modules are where package.json says
      if (context.parentURL === url && specifier.startsWith(`${NAME}/`) && !specifier.includes('/dashboards/')) {
        return { url: new URL(`${specifier.slice(NAME.length + 1)}.${EXTENSION}`, MAIN).href, shortCircuit: true }
      }

      return next(specifier, context)
    },
    load (loaded, context, next) {
      if (loaded === url) {
        return { format: 'module-typescript', source: `${code}\nexport { ${namesIn(code).join(', ')} }\n`, shortCircuit: true }
      }

      return next(loaded, context)
    }
  })

  try {
    return await import(url)
  } finally {
    hooks.deregister()
  }
}
