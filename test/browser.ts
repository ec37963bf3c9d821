import { defaultFeatures } from '../src/features/default-features.browser.ts'
import { pageToNode } from './libp2p/suite/page-to-node.ts'

// bundlers drop imports of modules that only have side effects: the package says that
// it has none
pageToNode('all features')
pageToNode('the features that a page has by default', defaultFeatures)
