// A list of stretches of linear memory that the host copies from or to, physically adjacent pages joined:
// their number, then pairs of address and length.
const MAX_RUNS: usize = 511;
const list = memory.data(4096, 16);
const runs = list + 8;

let bytes: usize = 0;

export function resetRuns(): void {
  store<u32>(list, 0);
  bytes = 0;
}

/** Appends a stretch; false when the list is full. */
export function addRun(address: usize, length: usize): bool {
  const count = <usize>load<u32>(list);
  if (count > 0) {
    const last = runs + ((count - 1) << 3);
    const end = load<u32>(last) + load<u32>(last, 4);
    if (<usize>end == address) {
      store<u32>(last, load<u32>(last, 4) + <u32>length, 4);
      bytes += length;
      return true;
    }
    if (count == MAX_RUNS) return false;
  }
  const run = runs + (count << 3);
  store<u32>(run, <u32>address);
  store<u32>(run, <u32>length, 4);
  store<u32>(list, <u32>count + 1);
  bytes += length;
  return true;
}

export function runBytes(): usize {
  return bytes;
}

export function runList(): usize {
  return list;
}
