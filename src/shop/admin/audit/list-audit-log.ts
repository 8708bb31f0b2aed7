import type { RowOf } from '../../../postgres/database.ts';
import { readPage, type Page, type PageRequest } from '../../../postgres/page.ts';
import type { Shop } from '../../shop.ts';
import { AuditEntryTable } from './audit-log.entity.ts';

/** One entry of the audit log as stored. */
export type StoredAuditEntry = RowOf<typeof AuditEntryTable>;

/** A page of the audit log and its filters; null does not filter. */
export interface AuditLogQuery extends PageRequest<string> {
  /** The operation's name. */
  readonly action: string | null;
  /** DONE, FAILED, DENIED, or the code of a refusal. */
  readonly outcome: string | null;
}

/** One page of the audit log, newest first. */
export function listAuditLog(
  shop: Pick<Shop, 'database'>,
  query: AuditLogQuery,
): Promise<Page<StoredAuditEntry>> {
  return readPage(
    shop.database,
    {
      table: 'operator_acts',
      key: ['id', 'uuid'],
      filters: [
        { sql: (action) => `act = ${action}`, value: query.action },
        { sql: (outcome) => `outcome = ${outcome}`, value: query.outcome },
      ],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(AuditEntryTable, { id: { $in: ids } }),
    },
    query,
  );
}
