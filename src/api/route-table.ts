import type { ApiServer } from './routes/context.ts';

/** Which methods an address takes, so that a wrong method is told from a wrong address. */
export function allowedMethods(server: ApiServer): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  server.addHook('onRoute', ({ url, method }) => {
    const methods = Array.isArray(method) ? method : [method];
    routes.push({ pattern: patternOf(url), methods });
  });
  return (path) =>
    [
      ...new Set(
        routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods),
      ),
    ].sort();
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:\w+/g, '[^/]+')
    .replace(/\*/g, '.*');
  return new RegExp(`^${source}$`);
}
