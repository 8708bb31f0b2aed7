import { filesLike, textOf } from '../support/project.ts';

/** An exported value. Types are not counted: those of an exported function's arguments stay exported. */
interface Export {
  readonly file: string;
  readonly name: string;
}

// MikroORM finds migrations by their files.
const FILES = filesLike('src/**/*.ts').filter((file) => !file.startsWith('src/migrations/'));

/** The names that a text imports, or exports from another file. */
function importedNames(text: string): string[] {
  const lists = text.matchAll(
    /(?:import|export) (?:type )?\{([^}]*)\} from|\{([^{}]*)\} =\s+await import\(/g,
  );
  return [...lists].flatMap(([, names = '', loaded = '']) =>
    `${names},${loaded}`.split(',').map((name) => /(?:type )?(\w*)/.exec(name.trim())![1]!),
  );
}

function exportsOf(file: string): Export[] {
  const declarations = textOf(file).matchAll(
    /^export (?:async |abstract )?(?:const|function\*?|class) (\w+)/gm,
  );
  return [...declarations].map(([, name]) => ({ file, name: name! }));
}

/** The names that any file imports. */
const imported = new Set(
  [...FILES, 'mikro-orm.config.ts', ...filesLike('{tests,bench,docs}/**/*.ts')].flatMap((file) =>
    importedNames(textOf(file)),
  ),
);

test('each exported value of src is imported somewhere, by its name', () => {
  const exports = FILES.flatMap((file) => exportsOf(file));

  expect(exports.length).toBeGreaterThan(300);
  expect(exports.filter(({ name }) => !imported.has(name))).toEqual([]);
});

test('imported names are found in static and dynamic imports', () => {
  expect(
    importedNames(`import { one, type Two as Three } from 'x';
      export type { Four } from 'y';
      const { five } = await import('z');`).filter((name) => name !== ''),
  ).toEqual(['one', 'Two', 'Four', 'five']);
});
