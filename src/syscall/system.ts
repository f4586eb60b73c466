import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { RANDOM_CHUNK } from '../kernel/random.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { MAX_RW_COUNT } from '../vfs/flags.js';
import type { U64 } from '../vfs/u64.js';
import { type SyscallFamily, uint, userBuffer, writeU32s, writeUser } from './args.js';

// include/uapi/linux/random.h
const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
const GRND_INSECURE = 4;

/** Bytes of one field of struct new_utsname. */
const UTS_LEN = 65;

/**
 * The machine, for programs of one architecture.
 *
 * @param machine `uname -m`
 * @see kernel/sys.c, drivers/char/random.c
 */
export function systemFamily(machine: string): SyscallFamily {
  return {
    uname(task, buf) {
      const { nodename, domainname, profile } = task.kernel;
      const { release, version } = profile;
      const fields = ['Linux', nodename, release, version, machine, domainname];
      const bytes = new Uint8Array(UTS_LEN * fields.length);
      fields.forEach((field, i) => {
        bytes.set(encodeName(field).subarray(0, UTS_LEN - 1), i * UTS_LEN);
      });
      writeUser(task, buf, bytes);
      return 0;
    },
    sysinfo,
    getcpu(task, cpu, node) {
      if (cpu !== 0) writeU32s(task, cpu, 0);
      if (node !== 0) writeU32s(task, node, 0);
      return 0;
    },
    sched_yield: () => 0,
    getrandom,
  };
}

function getrandom(task: TaskStruct, buf: U64, count: U64, flags: U64): U64 {
  const bits = uint(flags);
  if ((bits & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) fail(EINVAL);
  if ((bits & GRND_RANDOM) !== 0 && (bits & GRND_INSECURE) !== 0) fail(EINVAL);
  const length = Math.min(Number(count), MAX_RW_COUNT);
  const to = userBuffer(task, buf, length);
  const chunk = new Uint8Array(Math.min(length, RANDOM_CHUNK));
  let done = 0;
  while (done < length) {
    const bytes = chunk.subarray(0, length - done);
    task.kernel.random.fill(bytes);
    const stored = to.copyTo(done, bytes);
    done += stored;
    if (stored < bytes.length) break;
  }
  if (done === 0 && length > 0) fail(EFAULT);
  return done;
}

/** struct sysinfo: include/uapi/linux/sysinfo.h. */
function sysinfo(task: TaskStruct, buf: U64): number {
  const { kernel } = task;
  const { totalRam } = kernel.profile;
  const view = new DataView(new ArrayBuffer(112));
  view.setBigInt64(0, BigInt(Math.floor(kernel.time() / 1000)), true);
  view.setBigUint64(32, BigInt(totalRam), true);
  view.setBigUint64(40, BigInt(totalRam - kernel.core.framesInUse * PAGE_SIZE), true);
  view.setUint16(80, [...kernel.tasks()].length, true);
  view.setUint32(104, 1, true); // mem_unit: bytes
  writeUser(task, buf, view);
  return 0;
}
