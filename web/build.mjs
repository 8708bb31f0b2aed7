/**
 * Builds the pages into dist/web: hashed files, each with its gzip and brotli form beside it. Does
 * nothing where dist/web is up to date: what it was built from is in its file `stamp`.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { env } from 'node:process';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = import.meta.dirname;
const BUILT = join(ROOT, 'dist/web');

/** Files that do not change when they are compressed, such as fonts, are not worth it. */
const COMPRESSIBLE = /\.(html|js|css|svg|json)$/;

/**
 * Brotli's best level makes the pages 8 % smaller than level 9, within their limit. For the explorer's
 * large files it takes many seconds.
 */
const brotliOf = ({ length }) => ({
  params: { [constants.BROTLI_PARAM_QUALITY]: length < 1_000_000 ? 11 : 9 },
});

/** Pages use the connection of the examples. */
const EXAMPLES = join(ROOT, 'docs/examples');

const stamp = await stampOf([
  ...(await filesIn(SOURCE)),
  ...(await filesIn(EXAMPLES)),
  join(ROOT, 'package-lock.json'),
]);
const isBuilt = (await readFile(join(BUILT, 'stamp'), 'utf8').catch(() => '')) === stamp;
if (!isBuilt) {
  // Under NODE_ENV=test, as Jest sets it, Vite would bundle React's development code, twice the size.
  env.NODE_ENV = 'production';
  const vite = await import('vite').catch(() => undefined);
  // The server runs without pages, and says at their paths that they are not built.
  if (vite === undefined) process.stderr.write('Vite is not installed: no pages are built.\n');
  else await build(vite);
}

async function build({ build: bundle }) {
  await rm(BUILT, { recursive: true, force: true });
  // Two builds at once do not meet, and no build is ever seen half done.
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const made = await mkdtemp(join(ROOT, 'dist/web-'));
  // Made for its owner alone; the server may run as another user.
  await chmod(made, 0o755);
  for (const page of await pageFolders()) await buildPage(bundle, page, join(made, page));
  await Promise.all((await filesIn(made)).filter((file) => COMPRESSIBLE.test(file)).map(compress));
  await writeFile(join(made, 'stamp'), stamp);
  await rename(made, BUILT).catch(async (error) => {
    await rm(made, { recursive: true });
    // Another build was first.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

/** Each folder in web/ with an index.html is a page. */
async function pageFolders() {
  const pages = (await filesIn(SOURCE)).map((file) => relative(SOURCE, file).split(sep));
  return pages.filter(([, name]) => name === 'index.html').map(([folder]) => folder);
}

function buildPage(bundle, page, outDir) {
  return bundle({
    configFile: false,
    // Its warnings are about directives in packages, a hundred lines of them.
    logLevel: 'error',
    root: join(SOURCE, page),
    // Relative: the page works under any path prefix of a proxy.
    base: './',
    build: {
      outDir,
      emptyOutDir: true,
      // As src/server/http/pages/built-page.ts serves them.
      assetsDir: page === 'explorer' ? 'graphql-explorer' : `${page}-assets`,
      // A data URL would need a wider Content-Security-Policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2000,
    },
  });
}

async function compress(file) {
  const content = await readFile(file);
  await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
  await writeFile(`${file}.br`, await promisify(brotliCompress)(content, brotliOf(content)));
}

async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}

async function stampOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${relative(ROOT, file)}\n`).update(await readFile(file));
  return hash.digest('hex');
}
