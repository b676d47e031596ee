/** Whether every case is to be tried, as `npm run test:long` does, and not a choice of them. */
export const isThorough = process.env.DAYBOOK_THOROUGH === 'yes';
