import type { Call } from './call.js';
import { createMachine, type Session } from './session.js';
import { SPEED_SIZES } from './speed-sizes.js';

/** Each measurement runs at least so long, in milliseconds. */
const SLICE = 6;
/** Copies between two looks at the clock cover about so many bytes. */
const BATCH_BYTES = 262144;
const MAX_BATCH = 2000;

/** Throughputs of one size so far, bytes a second. */
export interface SpeedRow {
  readonly size: number;
  /** Reads of another process through its /proc/PID/mem. */
  readonly mem: number;
  /** Uint8Array.set() of as many bytes: what memcpy is to JavaScript. */
  readonly memcpy: number;
}

/** A step of the measurement. */
export interface SpeedProgress {
  /** Whole rounds over all sizes. */
  readonly rounds: number;
  /** Medians over the rounds so far. */
  readonly rows: readonly SpeedRow[];
}

/** Copying as fast as it goes. */
export const speedHandlers = {
  /** Measures until it is cancelled or has made `rounds`; each round is told. */
  'speed.measure': async (
    _session: Session,
    args: { readonly rounds: number },
    call: Call,
  ): Promise<SpeedProgress> => {
    const contenders = await makeContenders();
    // Once for nothing: the engine compiles what runs often, and that takes a while.
    for (const size of SPEED_SIZES) for (const { copy } of contenders) throughput(copy, size);
    const samples = SPEED_SIZES.map(() => contenders.map((): number[] => []));
    let told: SpeedProgress = { rounds: 0, rows: [] };
    for (let round = 1; round <= args.rounds; round++) {
      for (const [i, size] of SPEED_SIZES.entries()) {
        contenders.forEach(({ copy }, j) => samples[i]?.[j]?.push(throughput(copy, size)));
        if (!(await call.rest())) return told;
      }
      told = { rounds: round, rows: SPEED_SIZES.map((size, i) => rowOf(size, samples[i] ?? [])) };
      call.progress(told);
    }
    return told;
  },
};

interface Contender {
  readonly copy: (into: Uint8Array) => void;
}

/** The read through mem first, then the plain copy. */
async function makeContenders(): Promise<Contender[]> {
  const largest = Math.max(...SPEED_SIZES);
  const machine = await createMachine();
  const target = machine.spawn({ comm: 'target', uid: 1000 });
  const addr = target.mmap({ length: largest });
  const content = new Uint8Array(largest).map((_, i) => i * 7);
  target.store(addr, content);
  const reader = machine.spawn({ comm: 'reader', uid: 1000 });
  const mem = reader.open(`/proc/${target.pid}/mem`);
  const place = Number(addr);
  const sources = new Map(SPEED_SIZES.map((size) => [size, content.subarray(0, size)]));
  return [
    { copy: (into) => void mem.pread(into, place) },
    { copy: (into) => into.set(sources.get(into.length) ?? into) },
  ];
}

/** Bytes a second of one contender at one size. */
function throughput(copy: Contender['copy'], size: number): number {
  const into = bufferOf(size);
  const batch = Math.max(1, Math.min(MAX_BATCH, Math.floor(BATCH_BYTES / size)));
  const started = performance.now();
  let elapsed = 0;
  let copies = 0;
  while (elapsed < SLICE) {
    for (let i = 0; i < batch; i++) copy(into);
    copies += batch;
    elapsed = performance.now() - started;
  }
  return (copies * size * 1000) / elapsed;
}

const buffers = new Map<number, Uint8Array>();

/** Where the copies go: one array a size, so that no allocation is measured. */
function bufferOf(size: number): Uint8Array {
  let buffer = buffers.get(size);
  if (buffer === undefined) buffers.set(size, (buffer = new Uint8Array(size)));
  return buffer;
}

function rowOf(size: number, samples: readonly number[][]): SpeedRow {
  const [mem = [], memcpy = []] = samples;
  return { size, mem: median(mem), memcpy: median(memcpy) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}
