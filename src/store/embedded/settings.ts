/**
 * How the embedded server is set. Durability is on: no commit is acknowledged before it is on disk.
 *
 * Measured with 500,000 calls on two cores: loading them (3.4 to 3.7 s), an update of every tenth
 * and two COPY of all their days at once (0.2 to 0.3 s) did not depend on shared_buffers from
 * 128 MB to 1 GB, on wal_buffers, on max_wal_size from 2 to 4 GB or on effective_io_concurrency.
 */
export function serverSettings(maxConnections: number): Record<string, string> {
  return {
    max_connections: String(maxConnections),
    shared_buffers: '256MB',
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    wal_compression: 'on',
    // Data lie on an SSD or in memory: a day is read in the order of its index, not sorted.
    random_page_cost: '1.1',
    jit: 'off',
    // Days are read by several threads at once already; a statement keeps to one core.
    max_parallel_workers_per_gather: '0',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
  };
}
