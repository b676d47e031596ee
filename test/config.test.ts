import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

const failureOf = (environment: Record<string, string>): string => {
  try {
    readConfig(environment);
    return 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the environment', () => {
  it.each([
    ['PORT', 'abc', 'PORT: got "abc"; expected a whole number from 0 to 65535'],
    ['PORT', '65536', 'PORT: got "65536"; expected a whole number from 0 to 65535'],
    ['PORT', '8e3', 'PORT: got "8e3"; expected a whole number from 0 to 65535'],
    ['DAYBOOK_API', '0.5', 'DAYBOOK_API: got "0.5"; expected a whole number from 0 to 64'],
    ['DAYBOOK_THREADS', '0', 'DAYBOOK_THREADS: got "0"; expected a whole number from 1 to 64'],
    ['DAYBOOK_CACHE_BYTES', '5', 'got "5"; expected a whole number of bytes, 1048576 or more'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL: got "loud"; expected one of fatal, error, warn, info'],
    ['PUBLIC_URL', 'ftp://x', 'PUBLIC_URL: got a value that is not repeated here; expected a URL'],
  ])('with %s=%s is refused with what came and what is expected', (name, value, message) => {
    expect(failureOf({ [name]: value })).toContain(message);
  });

  it('is never repeated where it may hold a secret', () => {
    const message = failureOf({ DAYBOOK_SECRET: 'hunter2', SUPABASE_SECRET_KEY: 'hunter2' });
    expect(message).toMatch(
      /SUPABASE_SECRET_KEY: .*20 characters.*DAYBOOK_SECRET: .*32 characters/,
    );
    expect(message).not.toContain('hunter2');
  });

  it('counts an empty variable as none, and numbers as numbers', () => {
    expect(readConfig({ PORT: '', DAYBOOK_API: '' })).toMatchObject({
      port: 8080,
      apiProcesses: null,
      cacheBytes: 20 * 2 ** 30,
    });
    expect(readConfig({ PORT: '0', DAYBOOK_COMPUTE: '3' })).toMatchObject({
      port: 0,
      computeProcesses: 3,
    });
  });
});

describe('variables of mail', () => {
  const key = '-----BEGIN PRIVATE KEY-----\\nabc\\n-----END PRIVATE KEY-----';

  it('go together: a server wants a sender, and DKIM all three of its own', () => {
    expect(failureOf({ SMTP_URL: 'smtp://mail.example' })).toContain('MAIL_FROM: got none');
    expect(failureOf({ DKIM_DOMAIN: 'acme.example', PORT: 'x' })).toMatch(
      /PORT: got "x".*; DKIM_SELECTOR, DKIM_PRIVATE_KEY: got none; expected all three/,
    );
    expect(failureOf({ DKIM_PRIVATE_KEY: 'hunter2' })).not.toContain('hunter2');
  });

  it('take a key whose line breaks are written out', () => {
    const { mail, privateTargets } = readConfig({
      ...{ DKIM_DOMAIN: 'acme.example', DKIM_SELECTOR: 'daybook', DKIM_PRIVATE_KEY: key },
    });
    expect(mail.dkim?.privateKey).toBe(key.replaceAll('\\n', '\n'));
    expect(mail.smtpUrl).toBeNull();
    expect(privateTargets).toBe('refuse');
  });
});
