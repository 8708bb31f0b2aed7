import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { filesLike, linesLike, ROOT } from '../support/project.ts';

/** The JSON report of dependency-cruiser. */
interface Cruise {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly {
      readonly resolved: string;
      readonly dependencyTypes: string[];
    }[];
  }[];
  readonly summary: { readonly violations: readonly object[] };
}

const OURS = filesLike('src/**/*.ts');

async function cruise(): Promise<Cruise> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      'src',
      'tests/torture/checker',
      'mikro-orm.config.ts',
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'json',
    ],
    { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Cruise;
}

test('no file breaks a layer rule, and the check covers every file of src and its type imports', async () => {
  const { modules, summary } = await cruise();

  const seen = modules.map(({ source }) => source);
  expect(summary.violations).toEqual([]);
  expect(OURS.length).toBeGreaterThan(50);
  expect(seen).toEqual(expect.arrayContaining(OURS));
  // shop.ts imports nothing but types.
  const shop = modules.find(({ source }) => source === 'src/shop/shop.ts')!;
  expect(shop.dependencies).toContainEqual(
    expect.objectContaining({
      resolved: 'src/shop/purchases/batches/queues.ts',
      dependencyTypes: expect.arrayContaining(['type-only']),
    }),
  );
});

test('src reads only the clock of the database; ids have the time of the process, which decides nothing', () => {
  const others = OURS.filter((file) => file !== 'src/lib/ids.ts');

  expect(linesLike(/\bDate\.now\b|\bnew Date(\(\)|\b(?!\())/, others)).toEqual([]);
});

test('only config/settings.ts reads the environment', () => {
  const others = OURS.filter((file) => file !== 'src/config/settings.ts');

  expect(linesLike(/\bprocess\.env\b|\bfrom 'node:process'/, others)).toEqual([]);
});
