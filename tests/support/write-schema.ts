import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { printShopSchema } from '../../src/edges/graphql/schema.ts';

/** `npm run schema`: prints schema.graphql anew from the resolvers. */
writeFileSync('schema.graphql', printShopSchema());
