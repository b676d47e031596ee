import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Logs go to stderr as JSON lines, pretty on a terminal; stdout is for results. */
export function createLogger(options: { level: string; role: string }): Logger {
  const base = { role: options.role, pid: process.pid };
  if (process.stderr.isTTY) {
    return pino({
      level: options.level,
      base,
      transport: {
        target: 'pino-pretty',
        options: { destination: 2, ignore: 'pid', translateTime: 'HH:MM:ss' },
      },
    });
  }
  return pino({ level: options.level, base }, pino.destination({ dest: 2, sync: true }));
}
