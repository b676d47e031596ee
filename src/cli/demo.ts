import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { curlLine } from '../demo/curl-line.ts';
import { ensureDemoTenant } from '../demo/ensure-demo.ts';
import { findRunningUp } from '../store/running-up.ts';
import { printJson } from './output.ts';
import { withDatabase } from './session.ts';

/** `daybook demo` */
export function demoCommand(): Command {
  return new Command('demo')
    .description('make the demo tenant, or bring it up to yesterday; prints its key')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: boolean }) => {
      const config = configFromProcess();
      const url =
        findRunningUp(config.home)?.url ??
        config.publicUrl ??
        `http://${config.host}:${config.port}`;
      const demo = await withDatabase(config, ({ database, log }) =>
        ensureDemoTenant({ database, log, home: config.home, now: Date.now() }),
      );
      const curl = curlLine({ url: url.replace(/\/+$/, ''), ...demo });
      if (options.json) {
        const { tenantName, keyToken, zone, firstDate, lastDate } = demo;
        printJson({ tenant: tenantName, zone, from: firstDate, to: lastDate, key: keyToken, curl });
        return;
      }
      process.stdout.write(
        `tenant  ${demo.tenantName} (${demo.zone}), data until ${demo.lastDate}\n` +
          `key     ${demo.keyToken}\n\n` +
          `While Daybook runs, this leaves a workbook in the current folder:\n\n${curl}\n`,
      );
    });
}
