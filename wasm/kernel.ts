/**
 * The loops over bytes that every row of a cold export goes through, in AssemblyScript: reading
 * `COPY`, packing columns, putting cells into rows. They know nothing of reports or formats; what
 * they cannot do they say, and the code that calls them does it cell by cell.
 *
 * Addresses are of the module's own memory. Whoever allocates leaves {@link SLACK} bytes behind
 * each block, because bytes are copied sixteen at a time. Columns are as in `reports/chunk.ts`:
 * numbers are doubles, NaN is no value; bytes have `rows + 1` ascending u32 offsets.
 */
export { decodeRows } from './copy';
export { packLengths, packNumbers, unpackLengths, unpackNumbers } from './columns';
export { DEFLATE_SCRATCH_BYTES, deflateText } from './deflate';
export { INFLATE_STATE_BYTES, inflate } from './inflate';
export { HEAP } from './memory';
export { integerCells, rangeOf, serialCells, wallTimeCells } from './numbers';
export { interleave, interleaveLean } from './rows';
export { equalCells, gatherBytes, gatherNumbers } from './selection';
export { replaceCells, specialCells } from './texts';
