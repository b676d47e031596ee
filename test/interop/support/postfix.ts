import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's Postfix as an instance of its own, which delivers into a folder. */
export interface Postfix {
  readonly port: number;
  /** Waits until so many mails are delivered and its queue is empty; the paths of all there are. */
  delivered(count: number, withinMs: number): Promise<string[]>;
  log(): string;
  close(): Promise<void>;
}

const SERVICES = `
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;

/**
 * Must be closed. It takes line ends as loosely as Postfix ever did, also where newer ones would not.
 * @throws Error without Postfix, or as another user than root, which its queue needs
 */
export async function startPostfix(): Promise<Postfix> {
  const account = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'postfix');
  if (!account) throw new Error('no Postfix: apt-get install postfix');
  if (process.getuid?.() !== 0) throw new Error('Postfix starts as root only');
  const [, , uid, gid] = account.map(Number);
  const folder = mkdtempSync(join(tmpdir(), 'daybook-postfix-'));
  chmodSync(folder, 0o755);
  for (const name of ['conf', 'queue', 'data', 'mail']) mkdirSync(join(folder, name));
  for (const name of ['data', 'mail']) chownSync(join(folder, name), uid, gid);
  const inbox = join(folder, 'mail', 'all', 'new');
  mkdirSync(inbox, { recursive: true });
  for (const name of ['all', 'all/new', 'all/cur', 'all/tmp']) {
    mkdirSync(join(folder, 'mail', name), { recursive: true });
    chownSync(join(folder, 'mail', name), uid, gid);
  }
  const port = await freePort();
  const logFile = join(folder, 'postfix.log');
  const settings = {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'queue'),
    data_directory: join(folder, 'data'),
    maillog_file: logFile,
    maillog_file_prefixes: folder,
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    myhostname: 'mx.example.com',
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_forbid_bare_newline: 'no',
    message_size_limit: '30000000',
    virtual_mailbox_limit: '0',
    alias_maps: '',
    virtual_mailbox_domains: 'example.com',
    virtual_mailbox_base: join(folder, 'mail'),
    virtual_mailbox_maps: 'static:all/',
    virtual_minimum_uid: '1',
    virtual_uid_maps: `static:${uid}`,
    virtual_gid_maps: `static:${gid}`,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(join(folder, 'conf', 'main.cf'), lines.join(''));
  writeFileSync(
    join(folder, 'conf', 'master.cf'),
    `127.0.0.1:${port} inet n - n - - smtpd${SERVICES}`,
  );
  const conf = ['-c', join(folder, 'conf')];
  const log = () => {
    try {
      return readFileSync(logFile, 'utf8');
    } catch {
      return '';
    }
  };
  await run('postfix', [...conf, 'start']).catch((error: Error) => {
    throw new Error(`Postfix does not start: ${error.message}\n${log()}`);
  });

  const queued = () =>
    ['incoming', 'active', 'deferred', 'maildrop', 'hold'].reduce(
      (sum, name) =>
        sum +
        readdirSync(join(folder, 'queue', name), { recursive: true, withFileTypes: true }).filter(
          (entry) => entry.isFile(),
        ).length,
      0,
    );

  return {
    port,
    log,
    async delivered(count, withinMs) {
      const deadline = performance.now() + withinMs;
      const there = () => readdirSync(inbox).sort();
      // It tells nobody when it has nothing more to do.
      while (there().length < count || queued() > 0) {
        if (performance.now() > deadline) {
          throw new Error(`${there().length} of ${count} mails came:\n${log()}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      return there().map((name) => join(inbox, name));
    },
    async close() {
      await run('postfix', [...conf, 'stop']).catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
