import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediaTypeOf } from '../../src/reports/render/media-types.ts';
import { FORMATS } from '../../src/reports/request.ts';
import { startApi, type TestApi } from './support.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean }[];
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: object; schemas: Record<string, Json> };
}

let api: TestApi;
let document: Document;
let operations: { name: string; path: string; operation: Operation }[];
beforeAll(async () => {
  api = await startApi();
  const answer = await api.server.inject({ method: 'GET', url: '/openapi.json' });
  document = answer.json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );
});
afterAll(() => api.close());

describe('the description of the API', () => {
  it('is OpenAPI 3.1 and lists every route', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(operations.map(({ name }) => name).sort()).toEqual(
      [
        'POST /v1/schedules/{id}/test',
        'GET /v1/deliveries',
        'GET /v1/deliveries/{id}',
        'POST /v1/deliveries/{id}/resend',
        'POST /v1/deliveries/{id}/cancel',
        'GET /v1/delivery-settings',
        'PATCH /v1/delivery-settings',
        'GET /v1/delivery-settings/webhook-key',
        'POST /v1/delivery-settings/webhook-key',
        'GET /v1/suppressions',
        'DELETE /v1/suppressions/{id}',
        'GET /v1/sources',
        'POST /v1/sources',
        'GET /v1/sources/{id}',
        'PATCH /v1/sources/{id}',
        'DELETE /v1/sources/{id}',
        'POST /v1/sources/{id}/test',
        'POST /v1/sources/{id}/bindings',
        'PUT /v1/sources/{id}/complete-through/{dataset}',
        'GET /v1/source-bindings',
        'DELETE /v1/source-bindings/{id}',
        'GET /v1/reports',
        'GET /v1/reports/{report}/summary',
        'POST /v1/exports',
        'GET /v1/exports',
        'GET /v1/exports/{id}',
        'DELETE /v1/exports/{id}',
        'GET /v1/exports/{id}/file',
        'HEAD /v1/exports/{id}/file',
        'GET /v1/exports/{id}/events',
        'GET /v1/runs',
        'GET /v1/runs/{id}',
        'GET /v1/schedules',
        'POST /v1/schedules',
        'POST /v1/schedules/preview',
        'GET /v1/schedules/{id}',
        'PATCH /v1/schedules/{id}',
        'DELETE /v1/schedules/{id}',
        'GET /v1/schedules/{id}/preview',
        'POST /v1/schedules/{id}/pause',
        'POST /v1/schedules/{id}/resume',
        'POST /v1/schedules/{id}/run',
        'GET /v1/schedules/{id}/runs',
        'GET /v1/files',
        'GET /v1/files/{id}',
        'POST /v1/files/{id}/amend',
        'GET /v1/files/{id}/changes',
        'GET /v1/files/{id}/file',
        'HEAD /v1/files/{id}/file',
        'GET /v1/reconciliations',
        'POST /v1/reconciliations',
        'GET /v1/reconciliations/{id}/file',
        'HEAD /v1/reconciliations/{id}/file',
        'GET /v1/reconciliations/{id}',
        'GET /v1/reconciliations/{id}/lines',
        'POST /v1/reconciliations/{id}/lines/{line}',
        'GET /v1/reconciliations/{id}/notes',
        'POST /v1/reconciliations/{id}/notes',
        'POST /v1/reconciliations/{id}/sign-off',
        'POST /v1/reconciliations/{id}/unlock',
        'GET /v1/customers',
        'POST /v1/customers',
        'GET /v1/customers/{key}',
        'PATCH /v1/customers/{key}',
        'GET /v1/products',
        'GET /v1/products/{sku}',
        'PUT /v1/products/{sku}',
        'GET /v1/licences',
        'POST /v1/licences',
        'DELETE /v1/licences/{id}',
        'GET /v1/discount-policies',
        'PUT /v1/discount-policies/{key}',
        'GET /v1/proposals',
        'POST /v1/proposals',
        'GET /v1/proposals/{id}',
        'PUT /v1/proposals/{id}/lines',
        'POST /v1/proposals/{id}/send',
        'POST /v1/proposals/{id}/approve',
        'POST /v1/proposals/{id}/reject',
        'GET /v1/rate-plans',
        'GET /v1/rate-plans/{name}',
        'PUT /v1/rate-plans/{name}',
        'POST /v1/rate-plans/{name}/versions',
        'DELETE /v1/rate-plans/{name}/versions/{valid_from}',
        'GET /v1/payers',
        'PUT /v1/payers/{key}',
        'GET /v1/payer-rules',
        'POST /v1/payer-rules',
        'DELETE /v1/payer-rules/{id}',
        'GET /v1/plan-assignments',
        'POST /v1/plan-assignments',
        'DELETE /v1/plan-assignments/{id}',
        'GET /v1/charges',
        'GET /v1/ledger',
        'GET /v1/ledger/accounts',
        'GET /v1/ledger/statement',
        'POST /v1/ledger/entries',
        'POST /v1/ledger/reversals',
        'PUT /v1/ledger/low-balance',
        'GET /v1/ledger/locks',
        'POST /v1/ledger/locks',
        'POST /v1/ledger/locks/{id}/release',
        'GET /v1/keys',
        'POST /v1/keys',
        'DELETE /v1/keys/{id}',
        'POST /v1/ingest/{dataset}',
        'POST /v1/ingest/{dataset}/complete',
        'GET /v1/ingest/batches',
        'GET /v1/ingest/batches/{id}',
        'POST /v1/ingest/batches/{id}/retry',
        'DELETE /v1/ingest/batches/{id}',
        'GET /v1/ingest/keys',
        'POST /v1/ingest/keys',
        'PATCH /v1/ingest/keys/{id}',
        'DELETE /v1/ingest/keys/{id}',
        'GET /v1/ingest/{dataset}/mirror',
        'POST /v1/ingest/{dataset}/mirror',
        'GET /v1/ingest/{dataset}/mirror/{id}',
        'DELETE /v1/ingest/{dataset}/mirror/{id}',
        'POST /v1/ingest/{dataset}/mirror/{id}/rows',
        'POST /v1/ingest/{dataset}/mirror/{id}/commit',
        'GET /v1/ingest/{dataset}/settings',
        'PATCH /v1/ingest/{dataset}/settings',
        'GET /v1/rejects',
        'POST /v1/rejects/retry',
        'GET /v1/connectors',
        'POST /v1/connectors',
        'GET /v1/connectors/{id}',
        'PUT /v1/connectors/{id}',
        'DELETE /v1/connectors/{id}',
        'POST /v1/connectors/{id}/run',
        'GET /v1/connectors/{id}/runs',
        'GET /v1/triggers',
        'POST /v1/triggers',
        'DELETE /v1/triggers/{id}',
        'POST /v1/triggers/{id}',
        'GET /v1/members',
        'POST /v1/members',
        'DELETE /v1/members/{user_id}',
        'GET /healthz',
        'GET /readyz',
        'GET /metrics',
      ].sort(),
    );
  });

  it('names each operation once, and each parameter of a path', () => {
    const ids = operations.flatMap(({ operation }) => operation.operationId ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, path, operation } of operations) {
      expect(operation.summary, name).toBeTruthy();
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => each);
      const declared = (operation.parameters ?? []).filter((each) => each.in === 'path');
      expect(
        declared.map((each) => each.name),
        name,
      ).toEqual(inPath);
      expect(
        declared.every((each) => each.required),
        name,
      ).toBe(true);
    }
  });

  it('tells for each operation what errors look like, and whether it needs a token', () => {
    for (const { name, operation } of operations) {
      expect(operation.responses.default?.content, name).toHaveProperty([
        'application/problem+json',
      ]);
      const open = ['GET /healthz', 'GET /readyz', 'GET /metrics', 'POST /v1/triggers/{id}'];
      const isPublic = open.includes(name);
      const isSigned = /^POST \/v1\/ingest\/\{dataset\}(\/complete)?$/.test(name);
      const security = isPublic ? undefined : [isSigned ? { signature: [] } : { bearer: [] }];
      expect(operation.security, name).toEqual(security);
    }
  });

  it('tells every type that a file may come as', () => {
    const file = operations.find(({ name }) => name === 'GET /v1/exports/{id}/file')?.operation;
    const types = FORMATS.map((format) => mediaTypeOf(format).split(';')[0]);
    for (const status of ['200', '206']) {
      expect(Object.keys(file?.responses[status]?.content ?? {})).toEqual(types);
    }
    expect(file?.responses).toHaveProperty('304');
  });

  it('refers only to schemas that it holds', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    expect(refs.length).toBeGreaterThan(0);
    for (const ref of new Set(refs)) {
      let at: unknown = document;
      for (const step of ref.replace(/^#\//, '').split('/'))
        at = (at as Record<string, unknown>)?.[step];
      expect(at, ref).toBeTypeOf('object');
    }
  });
});

describe('the page of it', () => {
  it('loads everything from here, under a policy that allows nothing else', async () => {
    const page = await api.server.inject({ method: 'GET', url: '/docs' });
    expect(page.statusCode).toBe(200);
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source);
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect(source).toMatch(/^\/docs\//);
      const asset = await api.server.inject({ method: 'GET', url: source });
      expect(asset.statusCode, source).toBe(200);
    }
    expect(page.body).not.toMatch(/https?:|<script>|style=/);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const settings = await api.server.inject({
      method: 'GET',
      url: '/docs/static/swagger-initializer.js',
    });
    expect(settings.body).toMatch(/validatorUrl: *null/);
    const theme = await api.server.inject({ method: 'GET', url: '/docs/static/theme/page.css' });
    expect(theme.body).toContain('.topbar { display: none }');
  });
});
