import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';

/** A process of its own that starts or joins the server of a home, tells its pid, and stays. */

const [home, settings] = process.argv.slice(2);
const server = await startEmbeddedPostgres({ home, settings: JSON.parse(settings) });
process.stdout.write(`${JSON.stringify({ pid: server.pid, url: server.url })}\n`);
process.stdin.once('data', async () => {
  await server.stop();
  process.exit(0);
});
