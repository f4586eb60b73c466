import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import type { Arg } from '../step.js';

/** The capabilities that decide accesses; others are there to make one set no subset of another. */
const DECIDING = [
  abi.CAP_CHOWN,
  abi.CAP_DAC_OVERRIDE,
  abi.CAP_DAC_READ_SEARCH,
  abi.CAP_FOWNER,
  abi.CAP_KILL,
  abi.CAP_SETGID,
  abi.CAP_SETUID,
  abi.CAP_SETPCAP,
  abi.CAP_SYS_PTRACE,
  abi.CAP_SYS_ADMIN,
  abi.CAP_PERFMON,
  abi.CAP_CHECKPOINT_RESTORE,
];

const VERSION_1 = 0x19980330;
const VERSION_2 = 0x20071026;
const VERSION_3 = 0x20080522;

/** A set of capabilities: none, all, one or some that decide, or anything. */
export function someCaps(rng: Rng): bigint {
  const one = (): bigint => 1n << BigInt(rng.pick(DECIDING));
  return rng.weighted<() => bigint>([
    [2, () => 0n],
    [2, () => abi.CAP_FULL & ~(1n << BigInt(abi.CAP_SYS_RESOURCE))],
    [3, one],
    [3, () => one() | one() | one()],
    [2, () => rng.mask(abi.CAP_FULL)],
    [1, () => abi.CAP_FULL],
  ])();
}

/** struct __user_cap_header_struct for a pid, of a version. */
export function capHeader(pid: number, version = VERSION_3): Arg {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(version, 0);
  header.writeInt32LE(pid, 4);
  return { in: header.toString('hex') };
}

/** A version capget knows, an old one at times, one it does not know rarely. */
export function capVersion(rng: Rng): number {
  return rng.weighted([
    [12, VERSION_3],
    [1, VERSION_2],
    [1, VERSION_1],
    [1, 0],
  ]);
}

/** What a task's capget tells it. */
export function capsOf(s: Scenario, task: string): { permitted: bigint; inheritable: bigint } {
  const { out } = s.call(task, 'capget', [capHeader(0), { out: 24 }]);
  const data = Buffer.from(out[0]!, 'hex');
  const set = (at: number): bigint =>
    BigInt(data.readUInt32LE(at)) | (BigInt(data.readUInt32LE(at + 12)) << 32n);
  return { permitted: set(4), inheritable: set(8) };
}

/** capset, of oneself unless `pid` says otherwise. */
export function setCaps(
  s: Scenario,
  task: string,
  effective: bigint,
  permitted: bigint,
  inheritable: bigint,
  pid = 0,
): void {
  const data = Buffer.alloc(24);
  [effective, permitted, inheritable].forEach((set, i) => {
    data.writeUInt32LE(Number(set & 0xffffffffn), 4 * i);
    data.writeUInt32LE(Number(set >> 32n), 12 + 4 * i);
  });
  s.call(task, 'capset', [capHeader(pid, capVersion(s.rng)), { in: data.toString('hex') }]);
}
