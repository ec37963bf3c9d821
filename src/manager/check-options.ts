import { NAMED_KEYS, SCOPE_KEYS } from '../limits/limit-config.ts'
import { checkDescribed, unknownOption } from '../util/description.ts'
import { didYouMean, nearestName, unknownName } from '../util/did-you-mean.ts'
import { invalid } from '../util/validation.ts'
import { checkFeatures, featureText } from './features.ts'
import { OPTIONS } from './options.ts'
import type { FeatureName } from './features.ts'
import type { ResourceManagerInit } from './resource-manager-init.ts'
import type { Description } from '../util/description.ts'

const NAMES = Object.keys(OPTIONS)

/**
 * What somebody may have put beside the limits
 */
const LIMITS: readonly string[] = [...SCOPE_KEYS, ...NAMED_KEYS]

function hintFor (option: string): string {
  const meant = nearestName(option, [...NAMES, ...LIMITS])

  return meant != null && LIMITS.includes(meant) ? didYouMean(`limits.${meant}`) : unknownName(option, NAMES)
}

/**
 * Looks for options that would silently have no effect: those that nobody knows, at every
 * depth, and those whose feature is left out
 *
 * @throws {InvalidParametersError} naming the first of them, and what was meant
 */
export function checkOptions (init: ResourceManagerInit): void {
  const { features = {} } = init

  checkFeatures(features)

  if (init.logger !== undefined && typeof init.logger?.forComponent !== 'function') {
    throw invalid('logger', 'a logger such as defaultLogger() of @libp2p/logger', init.logger)
  }

  if (init.fleet !== undefined && typeof init.fleet?.start !== 'function') {
    throw invalid('fleet', 'fleet(…) of libp2p-resource-manager/fleet', init.fleet)
  }

  for (const [option, value] of Object.entries(init)) {
    if (!Object.hasOwn(OPTIONS, option)) {
      throw unknownOption('', option, hintFor(option))
    }

    const described: Description | FeatureName = OPTIONS[option as keyof ResourceManagerInit]

    if (typeof described !== 'string') {
      checkDescribed(option, value, described)
      continue
    }

    const feature = features[described]

    // what is turned off needs nothing
    if (feature == null && value != null && value !== false) {
      throw invalid(option, featureText(described), value)
    }

    if (feature?.options !== undefined) {
      checkDescribed(option, value, feature.options[option])
    }
  }
}
