import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileNameOf, mediaTypeOf } from '../../src/reports/render/media-types.ts';
import { FORMATS } from '../../src/reports/request.ts';

const period = { from: '2026-10-01', to: '2026-10-31' };

describe('file names', () => {
  test('say tenant, report, period and format', () => {
    expect(
      fileNameOf({ tenant: 'São João & Cia.', report: 'calls', period, format: 'csv.gz' }),
    ).toBe('sao-joao-cia_calls_2026-10-01_2026-10-31.csv.gz');
    const day = { from: '2026-10-01', to: '2026-10-01' };
    expect(fileNameOf({ tenant: '北', report: 'sales-daily', period: day, format: 'xlsx' })).toBe(
      'tenant_sales-daily_2026-10-01.xlsx',
    );
  });

  test('hold only ASCII letters, digits and -_. whatever the tenant is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (tenant) => {
        const name = fileNameOf({ tenant, report: 'calls', period, format: 'zip' });
        expect(name).toMatch(/^[a-z0-9][a-z0-9-]*_calls_2026-10-01_2026-10-31\.zip$/);
        expect(name.length).toBeLessThan(120);
      }),
    );
  });

  test('every format has a media type', () => {
    expect(FORMATS.map(mediaTypeOf).every((type) => type.includes('/'))).toBe(true);
  });
});
