import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';
import { HoldTable } from './hold.entity.ts';
import { CANCELLED_BY, ORDER_STATUSES } from './status.rules.ts';
import type { Metadata } from './metadata.rules.ts';

const p = defineEntity.properties;

/**
 * What a hold becomes. It keeps the hold's units until its own payment deadline. Orders end; they are
 * never deleted.
 */
export const OrderTable = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    /** The `orderId` of its hold. */
    id: p.uuid().primary(),
    holdId: () => p.oneToOne(HoldTable).mapToPk().fieldName('hold_id').owner(),
    productId: p.integer(),
    quantity: p.integer(),
    customerId: p.text().nullable(),
    /** The client's own notes, as attached to the hold. */
    metadata: p.json<Metadata>().defaultRaw("'{}'"),
    /** Price of one unit, copied from the hold, in minor units of `currency`. */
    unitPriceMinor: p.bigint('bigint'),
    currency: p.text(),
    status: p.enum(ORDER_STATUSES),
    cancelledBy: p.enum(CANCELLED_BY).nullable(),
    /** The payment that paid it, and its provider; null if the order costs nothing. */
    paymentProvider: p.text().nullable(),
    paymentId: p.text().nullable(),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    /** The payment deadline. */
    paymentExpiresAt: p.datetime().columnType('timestamptz(3)'),
    paidAt: p.datetime().columnType('timestamptz(3)').nullable(),
    updatedAt: p.datetime().columnType('timestamptz(3)'),
    /** Version of the stock row that returned its held units, when it was cancelled or expired. */
    releasedVersion: p.integer().nullable(),
    /** Version that sold its units: held units, or available ones if the payment was late. */
    soldVersion: p.integer().nullable(),
    /** Version that removed its units from sold, when the admin cancelled the paid order. */
    returnedVersion: p.integer().nullable(),
    /** Whether those became available again, or left the sale; null without such a cancellation. */
    restocked: p.boolean().nullable(),
    /** The database's clock when this row was read. */
    readAt: p.formula<Date>('shop_clock()').type('datetime'),
  },
  checks: [
    { name: 'orders_quantity_positive', expression: 'quantity >= 1' },
    {
      name: 'orders_sold_when_paid',
      expression:
        "status <> 'PAID' or (sold_version is not null and paid_at is not null and (payment_id is not null or unit_price_minor = 0))",
    },
    {
      name: 'orders_released_when_ended',
      expression:
        "status in ('PENDING', 'PAID') or released_version is not null or sold_version is not null",
    },
    {
      name: 'orders_returned_when_cancelled',
      expression:
        "(returned_version is not null) = (status = 'CANCELLED' and sold_version is not null)",
    },
    {
      name: 'orders_restocked_when_returned',
      expression: '(restocked is not null) = (returned_version is not null)',
    },
    {
      name: 'orders_cancelled_by',
      expression: "(status = 'CANCELLED') = (cancelled_by is not null)",
    },
  ],
  indexes: [
    { name: 'orders_of_product', properties: 'productId' },
    {
      name: 'orders_due',
      properties: ['paymentExpiresAt', 'productId'],
      where: "status = 'PENDING'",
    },
    {
      name: 'orders_of_customer',
      properties: ['customerId', 'productId'],
      where: "status in ('PENDING', 'PAID') and customer_id is not null",
    },
  ],
});

/** One order as stored. */
export type Order = RowOf<typeof OrderTable>;
