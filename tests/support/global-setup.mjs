// Plain JavaScript, because jest imports this file itself: Node strips the types of what it imports.
export { startTestPostgres as default } from './test-postgres.ts';
