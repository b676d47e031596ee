import type { CellValue } from '../../reports/chunk.ts';
import type { ReportDocument } from '../../reports/document.ts';
import type { Locale } from '../../reports/request.ts';
import { cellText, momentText } from './cell-text.ts';
import { dayChart } from './day-chart.ts';
import { type MailLabel, mailLabel, mailWords } from './mail-labels.ts';
import { plainLine } from './plain-line.ts';
import { type Fact, factsOf, lastZoneOf, periodText } from './report-facts.ts';

/** What a mail shows, as plain data for its templates. Nothing in it is escaped yet. */

/** How a file goes out with its message. */
export type FileWay =
  | { readonly way: 'attached' | 'zipped'; readonly name: string; readonly bytes: number }
  | {
      readonly way: 'link';
      readonly name: string;
      readonly bytes: number;
      readonly url: string;
      /** UTC epoch ms. */
      readonly until: number;
    };

/** One sealed file and what is said of it. */
export interface MailedReport {
  readonly document: ReportDocument;
  /** Hex, of the file itself. */
  readonly sha256: string;
  readonly file: FileWay;
  /** What people are told besides. */
  readonly marks: readonly ('amended' | 'incomplete' | 'late')[];
}

/** What a notice says: plain text in the recipient's language. */
export interface Notice {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface MailSource {
  readonly tenant: string;
  readonly schedule: string;
  readonly locale: Locale;
  readonly isTest: boolean;
  readonly reports: readonly MailedReport[];
  readonly notice: Notice | null;
  /** Null: there is nothing to unsubscribe from, as in a test. */
  readonly unsubscribeUrl: string | null;
}

export interface MailContent {
  readonly lang: string;
  readonly subject: string;
  readonly say: Readonly<Record<MailLabel, string>>;
  readonly isTest: boolean;
  readonly notice: Notice | null;
  readonly sections: readonly MailSection[];
  readonly why: string;
  readonly unsubscribeUrl: string | null;
}

export interface MailSection {
  readonly heading: string;
  readonly marks: readonly string[];
  readonly facts: readonly Fact[];
  readonly totals: {
    readonly headers: readonly string[];
    readonly rows: readonly (readonly string[])[];
    /** The same, a line per figure: for text, and for narrow screens. */
    readonly figures: readonly Fact[];
  };
  readonly chart: {
    readonly cid: string;
    readonly svg: string;
    readonly alt: string;
    readonly width: number;
    readonly height: number;
  } | null;
  readonly file: {
    readonly label: string;
    readonly name: string;
    readonly size: string;
    readonly sha256: string;
    readonly url: string | null;
    readonly until: string | null;
  };
}

const MOST_SUBJECT = 180;
/** Lines of totals that a mail shows; a report has one per currency. */
const MOST_LINES = 20;

export function mailContent(source: MailSource): MailContent {
  const { locale } = source;
  const say = mailWords(locale);
  return {
    lang: locale,
    subject: subjectOf(source),
    say,
    isTest: source.isTest,
    notice: source.notice,
    sections: source.reports.map((report, index) => sectionOf(report, index, locale)),
    why: `${say.why} ${plainLine(source.tenant, 80)} (${plainLine(source.schedule, 80)}).`,
    unsubscribeUrl: source.unsubscribeUrl,
  };
}

/** `Acme – Calls – 2026-10-01 – 2026-10-31`, with what makes it special in front. */
export function subjectOf(source: MailSource): string {
  const { locale, reports, notice } = source;
  const parts = [plainLine(source.tenant, 60)];
  if (notice) parts.push(plainLine(notice.title, 100));
  else if (reports.length === 1) {
    const { document } = reports[0];
    parts.push(plainLine(document.title, 60), periodText(document.period, { locale }));
  } else {
    const from = reports.map(({ document }) => document.period.from).sort()[0];
    const to = reports
      .map(({ document }) => document.period.to)
      .sort()
      .at(-1) as string;
    parts.push(
      `${reports.length} ${mailLabel('digest', locale)}`,
      periodText({ from, to }, { locale }),
    );
  }
  const [only] = reports;
  const amends = reports.length === 1 && only.marks.includes('amended');
  const front = amends ? `${mailLabel('amendment', locale)} ${only.document.revision - 1}: ` : '';
  const test = source.isTest ? `[${mailLabel('testWord', locale)}] ` : '';
  return plainLine(`${test}${front}${parts.join(' – ')}`, MOST_SUBJECT);
}

function sectionOf(report: MailedReport, index: number, locale: Locale): MailSection {
  const { document, file, marks } = report;
  const zone = lastZoneOf(document);
  const { columns, rows } = document.totals;
  const shown = (value: CellValue, column: number) =>
    plainLine(cellText(value, columns[column], document.locale, zone), 120);
  const lines = rows.slice(0, MOST_LINES).map((row) => row.map(shown));
  const chart = dayChart(document);
  return {
    heading: `${plainLine(document.title, 100)}, ${periodText(document.period, document)}`,
    marks: marks.map((mark) => mailLabel(mark, locale)),
    facts: factsOf(document).map(({ label, value }) => ({ label, value: plainLine(value, 500) })),
    totals: {
      headers: columns.map(({ header }) => header),
      rows: lines,
      figures: lines.flatMap((line) =>
        line.map((value, column) => ({ label: columns[column].header, value })),
      ),
    },
    chart: chart && {
      cid: `chart-${index + 1}@daybook`,
      svg: chart.svg,
      alt: `${chart.title}, ${mailLabel('byDay', locale)}`,
      width: chart.widthPx,
      height: chart.heightPx,
    },
    file: {
      label: mailLabel(FILE_LABELS[file.way], locale),
      name: file.name,
      size: sizeText(file.bytes, locale),
      sha256: report.sha256,
      url: file.way === 'link' ? file.url : null,
      until: file.way === 'link' ? `${momentText(file.until, locale, zone)} (${zone})` : null,
    },
  };
}

const FILE_LABELS = { attached: 'attached', zipped: 'attachedZip', link: 'download' } as const;

/** `12.3 MB`: decimal megabytes, as mail servers count. */
export function sizeText(bytes: number, locale: Locale): string {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB'];
  const text = value.toFixed(1);
  return `${locale === 'en' ? text : text.replace('.', ',')} ${unit}`;
}
