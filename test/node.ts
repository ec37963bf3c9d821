import './go-vectors.node.ts'
import './limits/available-resources.node.ts'
import './limits/go-limits.node.ts'
import './limits/load-limits.node.ts'
