import { DaybookError } from '../errors.ts';
import { maySendReports } from '../principals/permissions.ts';
import { isAllowedDomain, parseMailAddress } from '../reports/mail-address.ts';
import type { Database } from '../store/database.ts';
import { findDelivery } from '../store/deliveries.ts';
import { readDeliverySettings } from '../store/delivery-settings.ts';
import { type DownloadLink, findLink } from '../store/download-links.ts';
import { findOccurrences, type OccurrenceRow } from '../store/occurrences.ts';
import { type OwedFile, readOwedFile } from '../store/owed-messages.ts';
import { findOwners, ownerKey } from '../store/owners.ts';

/** What a recipient without an account may see by a link: asked anew each time. */

export interface LinkedFile extends OwedFile {
  readonly link: DownloadLink;
  readonly occurrence: OccurrenceRow;
}

/**
 * @param nowMs UTC epoch ms
 * @throws DaybookError `E_NOT_FOUND` for what is no link, `E_GONE` for one that holds no more: it
 *   ended, was called off, its file is gone, or who sent it may not any more
 */
export async function openLink(
  database: Database,
  by: Parameters<typeof findLink>[1] | null,
  nowMs: number,
): Promise<LinkedFile> {
  const link = by && (await database.asSystem((tx) => findLink(tx, by), { readOnly: true }));
  if (!link) throw new DaybookError('E_NOT_FOUND', { what: 'link', got: 'of that name' });
  const gone = (reason: string) => new DaybookError('E_GONE', { what: 'the', got: 'link', reason });
  if (link.revokedAt !== null) throw gone('it was withdrawn');
  if (link.expiresAt <= nowMs) throw gone('its time is over');
  const { tenantId } = link;
  const found = await database.asTenant(
    tenantId,
    async (tx) => {
      const delivery = await findDelivery(tx, link.deliveryId);
      const file = await readOwedFile(tx, link.reportFileId);
      const [occurrence] = file ? await findOccurrences(tx, [file.sealed.occurrenceId]) : [];
      return { delivery, file, occurrence, settings: await readDeliverySettings(tx) };
    },
    { readOnly: true },
  );
  const { delivery, file, occurrence, settings } = found;
  if (!delivery || !file || !occurrence || file.sealed.removedAt !== null) {
    throw gone('the file is not kept any more');
  }
  if (delivery.state === 'cancelled') throw gone('it was withdrawn');
  const { owner } = occurrence;
  const owners = await database.asSystem((tx) => findOwners(tx, [{ tenantId, owner }]), {
    readOnly: true,
  });
  const isAllowed =
    delivery.recipientKind !== 'email' ||
    isAllowedDomain(
      parseMailAddress(delivery.recipient, 'recipient').domain,
      settings.allowedDomains,
    );
  if (
    !isAllowed ||
    !maySendReports(owners.get(ownerKey({ tenantId, owner })), occurrence.spec.report)
  ) {
    throw gone('the file may not be had this way any more');
  }
  return { ...file, link, occurrence };
}
