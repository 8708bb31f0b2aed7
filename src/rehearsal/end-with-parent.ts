/**
 * Preloaded into the server processes of a rehearsal. However the rehearsal ends, its channel to them
 * closes, and they end. Without it a killed rehearsal would leave servers behind.
 */
process.once('disconnect', () => process.exit(1));
