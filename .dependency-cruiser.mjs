/**
 * The walls of the house: which folder may import which, each rule with its reason. `npm run house`
 * checks them; README, "The house", shows the folders.
 *
 * At the top, and free to import what they join: main, cli with its commands, app, seed, open-database,
 * open-shop, simulate-payment, shop and meters (types) and config.
 */
const STAIRS = ['catalog', 'stock', 'holds', 'orders', 'payments', 'operator'];
const SHOP = `^src/(${STAIRS.join('|')})/`;

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    ...STAIRS.slice(0, -1).map((folder, step) =>
      rule(
        `${folder}-knows-nothing-later`,
        `The story runs ${STAIRS.join(' → ')}; an earlier step never looks ahead.`,
        { path: `^src/${folder}/` },
        { path: `^src/(${STAIRS.slice(step + 1).join('|')})/` },
      ),
    ),
    rule('no-cycles', 'Data flows one way; so do imports.', {}, { circular: true }),
    rule(
      'rules-are-pure',
      'A rule rests only on other rules and the pure part of platform.',
      { path: '\\.rules\\.ts$' },
      { pathNot: '(\\.rules\\.ts$)|(^src/(refusal|platform/(money|invariant|time))\\.ts$)' },
    ),
    rule(
      'core-knows-no-edge',
      'The shop works the same whoever is calling.',
      { path: `${SHOP}|^src/platform/|^src/refusal\\.ts$` },
      {
        path: '^src/(edges/|commands/|(app|main|cli|config|shop|meters|seed|open-database|open-shop|prepare-database|simulate-payment|workers)\\.)',
      },
    ),
    rule(
      'core-knows-no-transport',
      'GraphQL, HTTP and cron are named only in edges.',
      { path: SHOP },
      {
        path: 'node_modules/(type-graphql|graphql|graphql-ws|ws|@apollo|@as-integrations|express|node-cron)/',
      },
    ),
    rule(
      'platform-knows-no-shop',
      'Platform has no word of the shop in it.',
      { path: '^src/platform/' },
      { path: `${SHOP}|^src/refusal\\.ts$` },
    ),
    rule(
      'edges-touch-no-tables',
      'An edge parses, calls one use case, renders; so does a command.',
      { path: '^src/(edges|commands)/' },
      { path: '(\\.entity\\.ts$)|(node_modules/@mikro-orm/)' },
    ),
    rule(
      'edges-are-strangers',
      'GraphQL and the webhook never call each other, and neither calls the schedule.',
      { path: '^src/edges/([^/]+)/' },
      { path: '^src/edges/([^/]+/|schedule\\.ts$|http\\.ts$)', pathNot: '^src/edges/$1/' },
    ),
    rule(
      'only-cli-has-commands',
      'A command is a way in like the edges, and nobody else’s.',
      { path: '^src/', pathNot: '^src/(commands/|cli\\.)' },
      { path: '^src/commands/' },
    ),
    rule(
      'only-the-door-reads-settings',
      'Settings arrive as arguments.',
      {
        path: '^src/',
        pathNot:
          '^src/(config|app|main|open-database|open-shop|prepare-database|workers|commands/(opened|webhook))\\.',
      },
      { path: '^src/config\\.' },
    ),
    rule(
      'stock-has-one-writer',
      'Units move in one place; who needs a count asks src/stock.',
      { path: '^src/', pathNot: '^src/stock/' },
      { path: '^src/stock/stock-level\\.entity\\.ts$' },
    ),
    rule(
      'metrics-have-one-home',
      'Who is measured knows the words of src/server/metrics/meters.ts; how figures are kept and told is one folder’s.',
      { path: '^src/', pathNot: '^src/edges/metrics/' },
      { path: 'node_modules/prom-client/' },
    ),
    rule(
      'packages-are-declared',
      'What src imports stands in package.json’s dependencies: it is there in production, at a version we chose.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // This project's TypeScript has no API for tools: without swc less would be seen, in the worst case
    // nothing, and all would seem well. tests/project/walls.test.ts looks at what is seen.
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
