import { formsAhead } from '../../reports/ahead.ts';
import type { DatasetName } from '../../reports/dataset.ts';
import { countDemand, type Demand, datasetOfForm, openClocks } from '../../reports/demand.ts';
import { demandOfSchedules, joinDemand } from '../../reports/demand-of-schedules.ts';
import { readUsedForms } from '../../store/asks.ts';
import { listComingDue } from '../../store/coming-due.ts';
import type { Database } from '../../store/database.ts';
import { findTenant, listTenants, type Tenant } from '../../store/tenants.ts';

/** How far back asks count: 28 days, four of each weekday. */
export const STUDIED_DAYS = 28;
const STUDIED_MS = STUDIED_DAYS * 86_400_000;
/** A monthly report needs each of its days when that ends: 32 days. */
const LOOK_AHEAD_MS = 32 * 86_400_000;
/** Four weeks of runs of all tenants may be many. */
const STUDY_TIMEOUT_MS = 60_000;

/** What one tenant really uses, and what is made ahead because of it. */
export interface TenantDemand {
  readonly tenant: Tenant;
  readonly demand: readonly Demand[];
  readonly lanes: readonly LaneDemand[];
}

/** The forms that the days of one dataset and calendar are made in; at least one. */
export interface LaneDemand {
  readonly dataset: DatasetName;
  readonly zone: string | null;
  readonly forms: readonly Demand[];
}

/**
 * Studies what schedules need next and what was asked for in the days before `now`, of all tenants
 * or of one.
 */
export async function studyDemand(
  database: Database,
  now: number,
  tenantId?: string,
): Promise<TenantDemand[]> {
  const { tenants, used, coming } = await database.asSystem(
    async (tx) => ({
      tenants: tenantId === undefined ? await listTenants(tx) : await findTenant(tx, tenantId),
      used: await readUsedForms(tx, { since: now - STUDIED_MS, until: now, tenantId }),
      coming: await listComingDue(tx, { until: now + LOOK_AHEAD_MS, tenantId }),
    }),
    { readOnly: true, statementTimeoutMs: STUDY_TIMEOUT_MS },
  );
  const clockOf = openClocks();
  return [tenants ?? []].flat().map((tenant) => {
    const asked = countDemand(used.get(tenant.id) ?? [], tenant.calendar, clockOf);
    const due = demandOfSchedules(coming.get(tenant.id) ?? [], tenant.calendar, now);
    const demand = joinDemand(due, asked);
    return { tenant, demand, lanes: lanesOf(demand) };
  });
}

function lanesOf(demand: readonly Demand[]): LaneDemand[] {
  const lanes = new Map<string, Omit<LaneDemand, 'forms'>>();
  for (const { form } of demand) {
    const dataset = datasetOfForm(form);
    lanes.set(`${dataset}/${form.zone ?? ''}`, { dataset, zone: form.zone });
  }
  return [...lanes.values()]
    .map((lane) => ({ ...lane, forms: formsAhead(demand, lane) }))
    .filter(({ forms }) => forms.length > 0);
}
