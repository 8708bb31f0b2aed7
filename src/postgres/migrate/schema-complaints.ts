import type { Database } from '../database.ts';
import { pendingMigrations } from './migrate.ts';

/** The oldest PostgreSQL that the shop is tested on. */
const SERVER_VERSION_MIN = 150_000;

/** The migration that makes the first tables: while it is pending, tables of their names are another's. */
const FIRST_MIGRATION = 'Migration20261123000000_initial';

/** Reads only, and nothing that an older PostgreSQL lacks. Row types and tables share one set of names. */
const SCHEMA = `
  with here as (select oid, nspname from pg_namespace where nspname = current_schema())
  select current_setting('server_version_num')::int as version,
    current_setting('server_encoding') as encoding, current_user::text as role,
    (select nspname::text from here) as schema,
    (select has_schema_privilege(oid, 'CREATE') from here) as "mayCreate",
    to_regclass('mikro_orm_migrations') is not null as "hasMigrations",
    has_table_privilege(to_regclass('mikro_orm_migrations'), 'SELECT') as "mayReadMigrations",
    array(select relname::text from pg_class join here on relnamespace = here.oid
      where relname = any($1)
      union select typname::text from pg_type join here on typnamespace = here.oid
      where typname = any($1) order by 1) as taken`;

interface Schema {
  readonly version: number;
  readonly encoding: string;
  readonly role: string;
  /** The schema in which tables are made; null where the search path has none. */
  readonly schema: string | null;
  readonly mayCreate: boolean | null;
  readonly hasMigrations: boolean;
  /** Whether the role may read which migrations were applied; null where there is no table of them. */
  readonly mayReadMigrations: boolean | null;
  /** Names of the shop's tables that are there; the table of applied migrations where it has rows. */
  readonly taken: readonly string[];
}

/** What is wrong with a database before anything is migrated, and what is pending in it. */
export interface SchemaState {
  readonly complaints: readonly string[];
  readonly pending: 'all' | readonly string[];
  /** Why the role cannot migrate; undefined where it can. */
  readonly mayNotMigrate: string | undefined;
}

/** Looks at a database and changes nothing in it. */
export async function readSchemaState(database: Database): Promise<SchemaState> {
  const tables = [...database.orm.getMetadata().getAll().values()].map((table) => table.tableName);
  const [found] = await database.rows<Schema>(SCHEMA, [tables]);
  if (found!.mayReadMigrations === false) return unreadable(found!);
  const { hasMigrations } = found!;
  const executed = hasMigrations ? await database.orm.migrator.getExecuted() : [];
  // Read last: what appears in between is of another server's migration.
  const pending = hasMigrations ? await pendingMigrations(database.orm) : 'all';
  const migrations = executed.length > 0 ? ['mikro_orm_migrations'] : [];
  return {
    complaints: complaintsOf({ ...found!, taken: [...migrations, ...found!.taken] }, pending),
    pending,
    mayNotMigrate: pending.length > 0 ? roleComplaint(found!) : undefined,
  };
}

/** The migrator would take a table that it may not read for one that is not there. */
function unreadable({ role }: Schema): SchemaState {
  const complaint = `DATABASE_URL names a role that may not read mikro_orm_migrations: grant select on it to ${role}.`;
  return { complaints: [complaint], pending: [], mayNotMigrate: undefined };
}

function complaintsOf(
  { version, encoding, taken }: Schema,
  pending: SchemaState['pending'],
): string[] {
  const complaints: string[] = [];
  if (version < SERVER_VERSION_MIN)
    complaints.push('DATABASE_URL names an older PostgreSQL; 15 or newer is needed.');
  if (encoding !== 'UTF8')
    complaints.push(
      `DATABASE_URL names a database with the encoding ${encoding}: create one with the encoding UTF8.`,
    );
  const isOurs = pending !== 'all' && !pending.includes(FIRST_MIGRATION);
  if (!isOurs && taken.length > 0)
    complaints.push(
      `DATABASE_URL names a database in which another application has ${taken.join(', ')}: give the shop a database of its own.`,
    );
  return complaints;
}

function roleComplaint({ role, schema, mayCreate }: Schema): string | undefined {
  if (schema === null)
    return `DATABASE_URL names a database without a schema on the search path of ${role}: create one.`;
  if (mayCreate === false)
    return `DATABASE_URL names a role that may not create tables: grant create on schema ${schema} to ${role}.`;
  return undefined;
}
