// Regions: what runs often, compiled by the host to functions of wasm (src/jit/), and how the loop finds them.
// The upper half of a micro-operation's number is the mark of an entry: 0, or one of 255 of its page, counted
// from 1. The lower half stays the micro-operation's own.

/** In a block of decoded code (mm/code.ts): its frame, its serial number, and 256 places in the table. */
export const BLOCK_FRAME = 32784;
export const BLOCK_SERIAL = 32796;
export const BLOCK_REGIONS = 32800;
export const ENTRIES_MAX = 255;

/** What the host looks at between runs: how many samples there are, of which it takes note and sets 0. */
export const HEAT_COUNT = 0;
/** Blocks that were dropped, and times that all of them were. */
export const HEAT_DROPS = 4;
export const HEAT_EPOCH = 8;
/** Of so many arrivals at an address one is a sample; 0: none is. */
export const HEAT_PERIOD = 12;
/** Pairs of words: a block, and how far in it the micro-operation lies; odd where a run ended there. */
export const HEAT_SAMPLES = 16;
export const HEAT_SAMPLES_MAX = 30;
export const HEAT_SIZE = 256;
