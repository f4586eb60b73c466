import type { Machine } from '../../src/machine.js';
import { checksum, checksumRuns } from '../../src/mm/checksum.js';
import { describeFrames } from '../../src/mm/image.js';
import { encodeState } from '../../src/snapshot/state.js';

/** Where the highest frame that was ever used stands, which does not go back. */
const HIGH_WATER = 28;

/** All of a machine in three numbers: its objects, what describes its frames, what lies in them. */
export function fingerprint({ kernel, vfs }: Machine): string {
  const { core } = kernel;
  const { state } = encodeState(kernel, vfs);
  const { runs, bytes } = describeFrames(core);
  bytes.fill(0, HIGH_WATER, HIGH_WATER + 4);
  return [checksum(core, state), checksum(core, bytes), checksumRuns(core, runs)].join(' ');
}
