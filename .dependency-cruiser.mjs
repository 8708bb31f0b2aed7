/**
 * Layer rules: which folder may import which, each rule with its reason. `npm run layers` checks them;
 * docs/architecture.md shows the layers.
 *
 * An arrow reads "is imported by": lib ← postgres ← shop ← live ← server ← rehearsal ← commands. The files directly in
 * src/ assemble the layers and may import all of them.
 */
const LAYERS = ['lib', 'postgres', 'shop', 'live', 'server', 'rehearsal', 'commands'];
const MODULES = ['catalog', 'events', 'stock', 'purchases', 'payments', 'reconciliation', 'admin'];

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** The layers or modules after each one, which it must not import. */
const later = (names) => names.slice(0, -1).map((name, index) => [name, names.slice(index + 1)]);

export default {
  forbidden: [
    ...later(LAYERS).map(([layer, others]) =>
      rule(
        `${layer}-imports-no-later-layer`,
        `Layers run ${LAYERS.join(' ← ')}; a layer imports only those before it.`,
        { path: `^src/${layer}/` },
        { path: `^src/(${others.join('|')})/|^src/[^/]+\\.ts$` },
      ),
    ),
    ...later(MODULES).map(([module, others]) =>
      rule(
        `${module}-imports-no-later-module`,
        `Modules of the shop run ${MODULES.join(' ← ')}; a module imports only those before it.`,
        { path: `^src/shop/${module}/` },
        { path: `^src/shop/(${others.join('|')})/` },
      ),
    ),
    rule('no-cycles', 'Data flows one way; so do imports.', {}, { circular: true }),
    rule(
      'rules-are-pure',
      'A rule rests only on other rules, refusals and the pure part of lib.',
      { path: '\\.rules\\.ts$' },
      {
        pathNot:
          '(\\.rules\\.ts$)|(^src/shop/refusal\\.ts$)|(^src/lib/(money|currencies|invariant|time)\\.ts$)',
      },
    ),
    rule(
      'shop-knows-no-transport',
      'GraphQL, HTTP and cron are named only in server/.',
      { path: '^src/(lib|postgres|shop|live)/' },
      {
        path: 'node_modules/(type-graphql|graphql|graphql-ws|ws|@apollo|@as-integrations|express|node-cron)/',
      },
    ),
    rule(
      'endpoints-touch-no-tables',
      'A resolver, a route or a command parses, calls one use case and renders.',
      { path: '^src/(server|commands)/' },
      { path: '(\\.entity\\.ts$)|(node_modules/@mikro-orm/)' },
    ),
    rule(
      'endpoints-are-independent',
      'GraphQL, the webhook and the metrics do not import each other.',
      { path: '^src/server/(graphql|webhook|metrics)/' },
      {
        path: '^src/server/(graphql|webhook|metrics)/|^src/server/schedule\\.ts$|^src/server/http/server\\.ts$',
        pathNot: '^src/server/$1/|^src/server/metrics/meters\\.ts$',
      },
    ),
    rule(
      'settings-arrive-as-arguments',
      'Only the files that assemble the server read settings.',
      {
        path: '^src/',
        pathNot:
          '^src/(config/|(app|main|open-shop|prepare-database|workers)\\.|postgres/open-database\\.|commands/(opened|rehearse|simulator/webhook)\\.)',
      },
      { path: '^src/config/(domain-)?settings\\.ts$' },
    ),
    rule(
      'stock-has-one-writer',
      'Units move in one place; other modules ask shop/stock for counters.',
      { path: '^src/', pathNot: '^src/shop/stock/' },
      { path: '^src/shop/stock/stock-level\\.entity\\.ts$' },
    ),
    rule(
      'metrics-have-one-home',
      'Code that is measured knows meters.ts; how figures are kept is the business of one folder.',
      { path: '^src/', pathNot: '^src/server/metrics/' },
      { path: 'node_modules/prom-client/' },
    ),
    rule(
      'the-checker-is-independent',
      'What checks a history uses neither the code that it checks nor the runner that records it.',
      { path: '^tests/torture/checker/' },
      { path: '^(src|tests/torture/runner)/' },
    ),
    rule(
      'packages-are-declared',
      'What src imports is in the dependencies of package.json: installed in production, at a chosen version.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // This project's TypeScript has no API for tools. Without swc the checker would see few files or
    // none, and pass; tests/project/layers.test.ts checks what it sees.
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
