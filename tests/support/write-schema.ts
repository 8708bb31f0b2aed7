import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { printShopSchema } from '../../src/server/graphql/schema/schema.ts';

/** `npm run schema`: writes schema.graphql from the resolvers. */
writeFileSync('schema.graphql', printShopSchema());
