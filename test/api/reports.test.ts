import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listReportKinds } from '../../src/reports/registry.ts';
import type { Summary, SummaryRequest } from '../../src/reports/summary.ts';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;
let asked: SummaryRequest | null = null;
const counted: SummaryRequest[] = [];
beforeAll(async () => {
  api = await startApi({
    summaryUses: { note: (request) => counted.push(request) },
    summaries: async (request): Promise<Summary> => {
      asked = request;
      const column = (key: string, type: 'text' | 'integer') =>
        ({ key, header: key.toUpperCase(), type, unit: null, minScale: 0, width: 8 }) as const;
      return {
        zones: ['Europe/London'],
        window: { start: Date.UTC(2026, 2, 1), end: Date.UTC(2026, 2, 31, 23) },
        irregularDays: [
          { date: '2026-03-29', zone: 'Europe/London', hours: 23, startsAt: '00:00:00' },
        ],
        dataAsOf: Date.UTC(2026, 3, 1),
        days: { total: 31, cached: 30 },
        rows: 7,
        totals: { columns: [column('offered', 'integer')], rows: [[7]] },
        groups: {
          columns: [column('queue', 'text'), column('offered', 'integer')],
          rows: [
            ['PS', 4],
            [null, 3],
          ],
        },
      };
    },
  });
});
afterAll(() => api.close());

const get = (url: string) => api.server.inject({ method: 'GET', url, headers: api.asA });
const PERIOD = 'from=2026-03-01&to=2026-03-31';

describe('the list of reports', () => {
  it('has every report with columns, units, merges, filters, parameters, grains', async () => {
    const { items } = (await get('/v1/reports')).json();
    expect(items.map(({ report }: { report: string }) => report)).toEqual(
      listReportKinds().map(({ name }) => name),
    );
    const queues = items.find(({ report }: { report: string }) => report === 'queues');
    expect(queues).toMatchObject({
      title: 'Queues',
      grains: ['day', 'period'],
      default_grain: 'period',
    });
    expect(queues.params[0]).toMatchObject({ name: 'service_level_seconds', default: 20 });
    expect(queues.filters).toContainEqual(
      expect.objectContaining({ field: 'disposition', ops: ['=', '!='] }),
    );
    expect(queues.columns).toContainEqual(
      expect.objectContaining({ key: 'offered', merge: 'sum' }),
    );
  });

  it('speaks the language that is asked for', async () => {
    const { items } = (await get('/v1/reports?locale=pt-BR')).json();
    expect(items.map(({ title }: { title: string }) => title)).toContain('Filas');
  });
});

describe('a summary', () => {
  it('passes on what was asked and answers with zone, period, irregular days and data-as-of', async () => {
    const where = encodeURIComponent('[{"field":"queue","op":"=","values":["PS","NE"]}]');
    const answer = await get(
      `/v1/reports/queues/summary?${PERIOD}&by=queue&where=${where}&where=wait_seconds%3E%3D5` +
        '&params=service_level_seconds%3D30&zone=Europe/London',
    );
    expect(answer.statusCode).toBe(200);
    expect(asked).toMatchObject({
      tenant: { id: api.a.id },
      by: 'queue',
      request: {
        report: 'queues',
        zone: 'Europe/London',
        period: { from: '2026-03-01', to: '2026-03-31' },
        params: { service_level_seconds: 30 },
        where: [
          { field: 'queue', op: '=', values: ['PS', 'NE'] },
          { field: 'wait_seconds', op: '>=', values: ['5'] },
        ],
      },
    });
    expect(answer.json()).toEqual({
      report: 'queues',
      period: { from: '2026-03-01', to: '2026-03-31' },
      zones: ['Europe/London'],
      window: { start: '2026-03-01T00:00:00.000Z', end: '2026-03-31T23:00:00.000Z' },
      irregular_days: [
        { date: '2026-03-29', zone: 'Europe/London', hours: 23, starts_at: '00:00:00' },
      ],
      data_as_of: '2026-04-01T00:00:00.000Z',
      days: { total: 31, cached: 30 },
      rows: 7,
      by: 'queue',
      totals: {
        columns: [{ key: 'offered', label: 'OFFERED', type: 'integer', unit: null }],
        lines: [{ offered: 7 }],
      },
      groups: {
        columns: [
          { key: 'queue', label: 'QUEUE', type: 'text', unit: null },
          { key: 'offered', label: 'OFFERED', type: 'integer', unit: null },
        ],
        lines: [
          { queue: 'PS', offered: 4 },
          { queue: null, offered: 3 },
        ],
      },
    });
  });

  it('takes parameters as JSON too', async () => {
    const params = encodeURIComponent('{"service_level_seconds":45}');
    await get(`/v1/reports/queues/summary?${PERIOD}&params=${params}`);
    expect(asked?.request.params).toEqual({ service_level_seconds: 45 });
    expect(asked?.by).toBeNull();
  });

  it('is counted where it was answered, and not where it was refused', async () => {
    counted.length = 0;
    await get(`/v1/reports/queues/summary?${PERIOD}&by=queue`);
    await get(`/v1/reports/queues/summary?${PERIOD}&by=nothing`);
    expect(counted).toMatchObject([{ tenant: { id: api.a.id }, by: 'queue' }]);
  });
});
