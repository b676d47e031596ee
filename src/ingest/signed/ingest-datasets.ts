/** Datasets of which signed batches are taken. */
export const INGEST_DATASETS = ['calls', 'order_lines'] as const;
export type IngestDataset = (typeof INGEST_DATASETS)[number];
