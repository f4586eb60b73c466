// The lists of watched pages of an address space (assembly/mm/watch.ts): loads, stores, fetches.
export const WATCH_LISTS = 3;
/** Most stretches of pages in one list: three lists fill a page. */
export const WATCH_STRETCHES = 84;
