import { defineEntity } from '@mikro-orm/core';

const p = defineEntity.properties;

/**
 * The audit log: what the operator did, and what others tried to do in the operator's place.
 * Append-only, against TRUNCATE too (a trigger written by hand in its migration, because the ORM does
 * not see that kind); an act's row commits with the act or not at all. No token and no buyer stands
 * in it.
 */
export const ActTable = defineEntity({
  name: 'Act',
  tableName: 'operator_acts',
  properties: {
    id: p.uuid().primary(),
    at: p.datetime().columnType('timestamptz(3)'),
    /** By which right it was asked for: the admin token, or none. */
    actor: p.text(),
    /** Network address of the caller; null where there is none. */
    address: p.text().nullable(),
    /** The request's id, as answers and logs have it. */
    requestId: p.text().nullable(),
    /** The operation's name. */
    act: p.text(),
    /** DONE, FAILED, DENIED, or the code of the refusal. */
    outcome: p.text(),
    /** The arguments; null for a denied try, whose arguments are a stranger's words. */
    asked: p.json<object>().nullable(),
    /** What the act changed, as it was and as it is; null where there is no such thing. */
    before: p.json<object>().nullable(),
    after: p.json<object>().nullable(),
    /** How many tries the row stands for: more than one only where denied tries were too many. */
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
