import { createTestDatabase, openTestShop } from '../support/shop.ts';

test('all migrations together create the schema of the entities', async () => {
  const database = await createTestDatabase();
  const server = await openTestShop(database.url, { poolMax: 2 });
  const { orm } = server.database;
  try {
    const pending = await orm.migrator.getPending();
    const missing = await orm.schema.getUpdateSchemaSQL({ wrap: false });
    const snapshotIsStale = await orm.migrator.checkSchema();

    expect(pending).toEqual([]);
    expect(missing.trim()).toBe('');
    expect(snapshotIsStale).toBe(false);
  } finally {
    await server[Symbol.asyncDispose]();
    await database.drop();
  }
});
