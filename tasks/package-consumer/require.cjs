/**
 * The package and all its entry points are the same modules for `require` and `import`
 */

const assert = require('node:assert/strict')

const ENTRY_POINTS = {
  'libp2p-resource-manager': 'resourceManager',
  'libp2p-resource-manager/admission': 'rateLimit',
  'libp2p-resource-manager/in-slices': 'inSlices',
  'libp2p-resource-manager/limits': 'limitsFromJSON',
  'libp2p-resource-manager/node': 'loadLimits',
  'libp2p-resource-manager/prometheus': 'prometheusMetrics',
  'libp2p-resource-manager/scope-names': 'parseScopeName',
  'libp2p-resource-manager/sessions': 'SessionRegistry',
  'libp2p-resource-manager/toml': 'limitsFromTOML'
}

async function main () {
  for (const [path, name] of Object.entries(ENTRY_POINTS)) {
    const required = require(path)
    const imported = await import(path)

    assert.equal(typeof required[name], 'function', `${name} of ${path}`)
    assert.equal(required[name], imported[name], `${name} of ${path}, required and imported`)
  }

  const manager = require('libp2p-resource-manager').createResourceManager()

  assert.equal(manager.stat().system.memory, 0)
}

main()
