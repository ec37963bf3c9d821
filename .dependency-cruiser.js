/**
 * Which room of the code may know which: `npm run check-rooms`. Types count, because those who
 * read follow them as well.
 */

/** What everything stands on. None of these knows who uses it. */
const FOUNDATION = '^src/(util|limits|scopes|admission|fairness|sessions|bans)/|^src/errors[.]ts$'

const WIRING = '^src/libp2p/'

/**
 * @param {string} name
 * @param {string} comment
 * @param {object} from
 * @param {object} to
 */
function forbid (name, comment, from, to) {
  return { name, comment, severity: 'error', from, to }
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    forbid('no-circles', 'Two files that import each other cannot be understood one after the other.', {}, { circular: true }),
    forbid('util-knows-nobody', 'Containers, clocks, IP addresses and text are of use anywhere.', { path: '^src/util/' }, { path: '^src/', pathNot: '^src/util/' }),
    forbid('foundation-knows-no-user', 'The graph, limits, admission, fairness, sessions and bans work without a node.', { path: FOUNDATION }, { path: '^src/(manager|features|libp2p|reporting|what-if|options)/|^src/(index|interface)[.]ts$' }),
    forbid('graph-knows-no-addresses', 'Scopes add up. What an address means is for the admission.', { path: '^src/scopes/' }, { path: '^src/(admission|fairness|sessions|bans)/' }),
    forbid('limits-know-no-scopes', 'Limits are figures.', { path: '^src/limits/' }, { path: '^src/(scopes|admission|fairness|sessions|bans)/' }),
    forbid('reporting-knows-no-wiring', 'What is reported is read from the graph.', { path: '^src/reporting/' }, { path: '^src/(libp2p|features)/' }),
    forbid('what-if-knows-no-wiring', 'What other limits would have refused is found out in a graph of its own.', { path: '^src/what-if/' }, { path: '^src/(libp2p|features)/' }),
    forbid('wiring-has-a-core', 'The wiring has a core, and registers what it does. Only the service is a manager.', { path: WIRING, pathNot: '^src/libp2p/(resource-manager-service|check-node-options)[.]ts$' }, { path: '^src/manager/(host|resource-manager|resource-manager-init)[.]ts$' }),
    forbid('a-fleet-is-a-value', 'Whoever has no fleet has none of its code: it reaches the manager as an option.', { path: '^src/', pathNot: '^src/fleet([.]ts$|/)' }, { path: '^src/fleet/', dependencyTypesNot: ['type-only'] }),
    forbid('fleet-knows-no-wiring', 'A fleet has a manager, with or without a node.', { path: '^src/fleet/' }, { path: '^src/(libp2p|features)/|^src/manager/resource-manager[.]ts$' }),
    forbid('features-are-handed-in', 'Entry points hand features in: the manager and the wiring know what a feature is, but import none. NullResourceManager does, because nothing is handed in where the manager is off.', { path: '^src/', pathNot: '^src/(index|features)[.]ts$|^src/features/|^src/manager/null-resource-manager[.]ts$' }, { path: '^src/features/' }),
    forbid('features-are-values', 'What a page may leave out reaches the manager through features only.', { path: '^src/manager/' }, { path: '^src/(libp2p|reporting|what-if|sessions|admission|fairness|bans)/', dependencyTypesNot: ['type-only'] }),
    forbid('nobody-imports-doors', 'Entry points are for users.', { path: '^src/[^/]+/' }, { path: '^src/(index|admin|admission|cli|compliance|features|fleet|in-slices|limits|node|prometheus|scope-names|sessions|toml)[.]ts$' }),
    forbid('nobody-needs-the-command', 'The command is for terminals, in Node.js only.', { path: '^src/', pathNot: '^src/cli(/|[.]ts$)' }, { path: '^src/cli(/|[.]ts$)' }),
    forbid('nobody-needs-the-compliance-suite', 'It is for those who write a resource manager.', { path: '^src/', pathNot: '^src/compliance(/|[.]ts$)' }, { path: '^src/compliance(/|[.]ts$)' }),
    forbid('nobody-needs-the-admin-server', 'A node can be looked at from outside; nothing of that is needed to run one.', { path: '^src/', pathNot: '^src/(admin|cli)(/|[.]ts$)' }, { path: '^src/admin(/|[.]ts$)' }),
    forbid('no-orphans', 'A file that nobody imports is not needed.', { orphan: true, pathNot: '[.]browser[.]ts$|^src/[^/]+[.]ts$' }, {})
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' }
  }
}
