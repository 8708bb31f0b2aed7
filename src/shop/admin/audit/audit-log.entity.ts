import { defineEntity } from '@mikro-orm/core';

const p = defineEntity.properties;

/**
 * The audit log: every admin operation, and every unauthorized attempt at one. Append-only, also
 * against TRUNCATE, by a trigger that its migration writes by hand because the ORM cannot describe it.
 * No token, customer or payload is stored. Table and columns keep their released names, because
 * triggers, grants and queries of admins use them.
 */
export const AuditEntryTable = defineEntity({
  name: 'AuditEntry',
  tableName: 'operator_acts',
  properties: {
    id: p.uuid().primary(),
    at: p.datetime().columnType('timestamptz(3)'),
    /** What authorized the caller: the admin token, or nothing. */
    actor: p.text(),
    /** Network address of the caller; null for the command line. */
    address: p.text().nullable(),
    /** The id of the request in responses and logs. */
    requestId: p.text().nullable(),
    /** The operation's name. */
    act: p.text(),
    /** DONE, FAILED, DENIED, or the code of the refusal. */
    outcome: p.text(),
    /** The arguments; null for an unauthorized attempt, whose arguments are not trusted. */
    asked: p.json<object>().nullable(),
    /** The row before and after the change; null if there is none. */
    before: p.json<object>().nullable(),
    after: p.json<object>().nullable(),
    /** Number of attempts that the row counts; more than 1 only for unauthorized attempts. */
    times: p.integer(),
  },
  checks: [{ name: 'operator_acts_times_positive', expression: 'times >= 1' }],
  indexes: [{ name: 'operator_acts_by_time', properties: 'at' }],
  triggers: [
    {
      name: 'operator_acts_append_only',
      timing: 'before',
      events: ['update', 'delete'],
      forEach: 'row',
      body: "raise exception 'an act on record is never changed'; return null;",
    },
  ],
});
