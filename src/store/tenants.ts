import { DaybookError } from '../errors.ts';
import { LOCALES, type Locale } from '../reports/request.ts';
import type { Calendar } from '../time/calendar.ts';
import { parseDate } from '../time/period.ts';
import { parseZone } from '../time/zone.ts';
import type { Tx } from './database.ts';

/** Tenants and their calendars. A calendar only grows at its end, so past days never move. */

export interface Tenant {
  readonly id: string;
  /** Short and unique: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  readonly locale: Locale;
  /** ISO 4217. */
  readonly currency: string;
  readonly calendar: Calendar;
}

/** The date that the first zone of every calendar bears: it covers all earlier dates too. */
export const FIRST_DATE = '0001-01-01';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const LONGEST_TITLE = 200;

/** A tenant as a query gives it; a condition on `t` is to follow. */
export const SELECT_TENANT = `
  select t.id, t.name, t.title, t.locale, t.currency, (
    select json_agg(json_build_object(
      'from', to_char(z.valid_from, 'YYYY-MM-DD'), 'zone', z.zone) order by z.valid_from)
    from daybook.tenant_zones z where z.tenant_id = t.id) as calendar
  from daybook.tenants t`;

/**
 * Needs a system transaction. Title defaults to the name, locale to `en`, currency to `USD`.
 * @throws DaybookError `E_INVALID` or `E_UNKNOWN_ZONE` naming the field; `E_CONFLICT` when the
 * name is taken.
 */
export async function addTenant(
  tx: Tx,
  tenant: {
    readonly name: string;
    readonly title?: string;
    readonly zone: string;
    readonly locale?: string;
    readonly currency?: string;
  },
): Promise<Tenant> {
  const name = parseName(tenant.name);
  const title = parseTitle(tenant.title ?? name);
  const zone = parseZone(tenant.zone, 'zone');
  const locale = parseLocale(tenant.locale ?? 'en');
  const currency = parseCurrency(tenant.currency ?? 'USD');
  const [added] = await tx.query<{ id: string }>(
    `insert into daybook.tenants (name, title, locale, currency) values ($1, $2, $3, $4)
     on conflict (name) do nothing returning id`,
    [name, title, locale, currency],
  );
  if (!added) {
    throw new DaybookError('E_CONFLICT', {
      where: 'name',
      reason: `there is a tenant ${name} already`,
    });
  }
  await tx.run(
    'insert into daybook.tenant_zones (tenant_id, valid_from, zone) values ($1, $2, $3)',
    [added.id, FIRST_DATE, zone],
  );
  return { id: added.id, name, title, locale, currency, calendar: [{ from: FIRST_DATE, zone }] };
}

/** By name or id, among the tenants that the transaction may see. */
export async function findTenant(tx: Tx, nameOrId: string): Promise<Tenant | null> {
  const column = UUID.test(nameOrId) ? 'id' : 'name';
  const [tenant] = await tx.query<Tenant>(`${SELECT_TENANT} where t.${column} = $1`, [nameOrId]);
  return tenant ?? null;
}

/** @throws DaybookError `E_NOT_FOUND` that repeats what was asked for. */
export async function requireTenant(tx: Tx, nameOrId: string): Promise<Tenant> {
  const tenant = await findTenant(tx, nameOrId);
  if (!tenant) throw new DaybookError('E_NOT_FOUND', { what: 'tenant', got: nameOrId || '""' });
  return tenant;
}

/** By name, in code-point order. */
export async function listTenants(tx: Tx): Promise<Tenant[]> {
  return tx.query<Tenant>(`${SELECT_TENANT} order by t.name collate "C"`);
}

/**
 * From the local date `fromDate` on the tenant lives in `zone`; days before it stay as they are.
 * A date equal to the latest change corrects that change. No clock is read: a date that has
 * passed is taken, for a move that is entered late.
 * @throws DaybookError `E_UNKNOWN_ZONE`, `E_DATE`, `E_NOT_FOUND`; `E_PERIOD` when the date is before the
 * latest change, or the first date of all, since either would move days of the past.
 */
export async function setTenantZone(
  tx: Tx,
  tenantId: string,
  zone: string,
  fromDate: string,
): Promise<Tenant> {
  const name = parseZone(zone, 'zone');
  const from = parseDate(fromDate, 'from');
  const [locked] = await tx.query('select from daybook.tenants where id = $1 for update', [
    tenantId,
  ]);
  if (!locked) throw new DaybookError('E_NOT_FOUND', { what: 'tenant', got: tenantId });
  const latest = (await requireTenant(tx, tenantId)).calendar.at(-1)?.from ?? FIRST_DATE;
  if (from < latest || from === FIRST_DATE) {
    throw new DaybookError('E_PERIOD', {
      where: 'from',
      got: from,
      expected:
        latest === FIRST_DATE
          ? `a date after ${FIRST_DATE}`
          : `${latest} (the latest change of this tenant's zone) or a later date, so that past days stay`,
    });
  }
  await tx.run(
    `insert into daybook.tenant_zones (tenant_id, valid_from, zone) values ($1, $2, $3)
     on conflict (tenant_id, valid_from) do update set zone = excluded.zone`,
    [tenantId, from, name],
  );
  return requireTenant(tx, tenantId);
}

function parseName(name: string): string {
  if (NAME.test(name) && !UUID.test(name)) return name;
  throw new DaybookError('E_INVALID', {
    where: 'name',
    got: JSON.stringify(name),
    expected:
      'up to 63 lower-case letters, digits and hyphens, the first not a hyphen, and no UUID',
  });
}

function parseTitle(title: string): string {
  const text = title.trim();
  if (text !== '' && text.length <= LONGEST_TITLE && !/\p{Cc}/u.test(text)) return text;
  throw new DaybookError('E_INVALID', {
    where: 'title',
    got: JSON.stringify(title.slice(0, LONGEST_TITLE)),
    expected: `1 to ${LONGEST_TITLE} characters, none of them a control character`,
  });
}

function parseLocale(locale: string): Locale {
  const known = LOCALES.find((each) => each === locale);
  if (known) return known;
  throw new DaybookError('E_INVALID', {
    where: 'locale',
    got: JSON.stringify(locale),
    expected: `one of ${LOCALES.join(', ')}`,
  });
}

function parseCurrency(currency: string): string {
  if (/^[A-Z]{3}$/.test(currency)) return currency;
  throw new DaybookError('E_INVALID', {
    where: 'currency',
    got: JSON.stringify(currency),
    expected: 'three capital letters such as EUR',
  });
}
