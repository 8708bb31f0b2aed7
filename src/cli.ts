import 'reflect-metadata';
import { nodeComplaint, VERSION } from './lib/version.ts';

/** The command line. The commands are imported after the check of Node's version. */
async function main(): Promise<void> {
  const complaint = nodeComplaint();
  if (process.argv[2] === '--version') return void process.stdout.write(`${VERSION}\n`);
  if (complaint !== undefined) {
    process.stderr.write(`${complaint}\n`);
    process.exitCode = 1;
    return;
  }
  const { runCommandLine } = await import('./commands/program.ts');
  await runCommandLine();
}

await main();
