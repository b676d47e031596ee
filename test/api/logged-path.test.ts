import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const TOKEN = 'Zm9yLW9uZS1yZWNpcGllbnQtYW5kLW5vYm9keS1lbHNl';

it.each([
  ['GET', `/d/${TOKEN}`, '/d/:token'],
  ['HEAD', `/d/${TOKEN}`, '/d/:token'],
  ['GET', `/d/${TOKEN}/file?expires=1&signature=${TOKEN}`, '/d/:token/file'],
  ['GET', `/%64/${TOKEN}`, '/d/:token'],
  ['GET', `/unsubscribe/${TOKEN}`, '/unsubscribe/:token'],
  ['POST', `/unsubscribe/${TOKEN}`, '/unsubscribe/:token'],
  // No route takes these.
  ['DELETE', `/d/${TOKEN}`, '/d/:token'],
  ['GET', `/d/${TOKEN}/`, '/d/:token/'],
  ['GET', `/D/${TOKEN}`, '/D/:token'],
  ['GET', `/d//${TOKEN}`, '/d/:token'],
  ['GET', `/unsubscribe/${TOKEN}/again`, '/unsubscribe/:token/again'],
  ['GET', `/%64/${TOKEN}/x`, '/d/:token/x'],
  ['GET', `/x/d/${TOKEN}`, '/x/d/:token'],
] as const)('the token of %s %s stands in no log', async (method, url, path) => {
  api.logged.length = 0;
  await api.server.inject({ method, url });
  const lines = api.logged.map((line) => JSON.parse(line) as { msg: string; path?: string });
  expect(lines.filter(({ msg }) => msg === 'request')).toMatchObject([{ path }]);
  expect(api.logged.join('')).not.toContain(TOKEN);
});
