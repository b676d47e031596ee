import { landingToken, tokenSha256 } from '../../delivery/links/link-tokens.ts';
import { encodedBytes, fits, mostAttachedBytes } from '../../delivery/mail/attachment-size.ts';
import type { Attachment } from '../../delivery/mail/compose.ts';
import type { FileWay, MailedReport } from '../../delivery/mail/mail-content.ts';
import { zipFile } from '../../delivery/zip-file.ts';
import type { ClaimedDelivery } from '../../store/delivery-leases.ts';
import type { DeliverySettings } from '../../store/delivery-settings.ts';
import { ensureLink } from '../../store/download-links.ts';
import type { OwedFile, OwedPart } from '../../store/owed-messages.ts';
import { DAY_MS } from '../../time/day-number.ts';
import { readSealed } from './sealed-bytes.ts';
import type { SendDeps } from './send-deps.ts';

/** How each file of a message goes: attached where it fits, else zipped, else as a link. */

export interface OwedDelivery {
  readonly delivery: ClaimedDelivery;
  readonly part: OwedPart;
}

export interface PreparedFiles {
  readonly reports: readonly MailedReport[];
  readonly attachments: readonly Attachment[];
}

/** Text becomes a fifth or less; what is compressed already stays as large as it is. */
const ZIPS: ReadonlySet<string> = new Set(['csv', 'ndjson']);
const ZIP_FACTOR = 20;

/**
 * Every file is read through and checked before it is mentioned, also one that goes as a link.
 * @throws DaybookError `E_GONE`, `E_NO_DISK`, `E_IO` of {@link readSealed}
 */
export async function prepareFiles(
  owed: readonly OwedDelivery[],
  settings: DeliverySettings,
  deps: SendDeps,
  signal: AbortSignal,
): Promise<PreparedFiles> {
  const reports: MailedReport[] = [];
  const attachments: Attachment[] = [];
  let encoded = 0;
  for (const { delivery, part } of owed) {
    const file = part.owed;
    if (file === null) continue;
    const limit = part.occurrence.spec.maxAttachmentBytes ?? settings.maxAttachmentBytes;
    const isMail = delivery.recipientKind === 'email' && !delivery.byLink;
    const attached = await attachmentOf(file, isMail ? { limit, encoded } : null, deps, signal);
    let way: FileWay;
    if (attached) {
      encoded += encodedBytes(attached.attachment.bytes.length);
      attachments.push(attached.attachment);
      const { name, bytes } = attached.attachment;
      way = { way: attached.zipped ? 'zipped' : 'attached', name, bytes: bytes.length };
    } else {
      way = await linkTo(file, delivery, settings, deps);
    }
    reports.push(reportOf(part, file, way));
  }
  return { reports, attachments };
}

async function attachmentOf(
  { file, sealed, blocks }: OwedFile,
  room: { readonly limit: number; readonly encoded: number } | null,
  deps: SendDeps,
  signal: AbortSignal,
): Promise<{ attachment: Attachment; zipped: boolean } | null> {
  const most = room === null ? 0 : mostAttachedBytes(room.limit);
  const zips = ZIPS.has(file.format);
  const keepUpTo = room === null ? -1 : zips ? most * ZIP_FACTOR : most;
  const isRemoved = sealed.removedAt !== null;
  const bytes = await readSealed({ home: deps.home, file, blocks, keepUpTo, isRemoved }, signal);
  if (bytes === null || room === null) return null;
  const { name, mediaType } = sealed;
  if (fits(bytes.length, room.encoded, room.limit)) {
    return { attachment: { name, mediaType, bytes }, zipped: false };
  }
  if (!zips) return null;
  const zipped = await zipFile(name, bytes);
  if (!fits(zipped.length, room.encoded, room.limit)) return null;
  const archive = { name: `${name}.zip`, mediaType: 'application/zip', bytes: zipped };
  return { attachment: archive, zipped: true };
}

async function linkTo(
  { sealed }: OwedFile,
  delivery: ClaimedDelivery,
  settings: DeliverySettings,
  deps: SendDeps,
): Promise<FileWay> {
  const { id: deliveryId, tenantId, resends } = delivery;
  const token = landingToken(deps.keys, { deliveryId, reportFileId: sealed.id, resends });
  const until = Math.min(deps.clock() + settings.linkDays * DAY_MS, sealed.retainedUntil);
  const link = await deps.database.asTenant(tenantId, (tx) =>
    ensureLink(tx, {
      ...{ tenantId, deliveryId, reportFileId: sealed.id, expiresAt: until },
      tokenSha256: tokenSha256(token) as Buffer,
    }),
  );
  return {
    way: 'link',
    name: sealed.name,
    bytes: sealed.bytes,
    url: `${deps.publicUrl}/d/${token}`,
    until: link.expiresAt,
  };
}

function reportOf(
  { occurrence }: OwedPart,
  { file, sealed }: OwedFile,
  way: FileWay,
): MailedReport {
  const marks: MailedReport['marks'][number][] = [];
  if (sealed.amendmentOf !== null) marks.push('amended');
  if (sealed.incompleteDays.length > 0) marks.push('incomplete');
  if (occurrence.late) marks.push('late');
  return {
    document: { ...file.document, revision: sealed.revision },
    sha256: sealed.sha256,
    file: way,
    marks,
  };
}
