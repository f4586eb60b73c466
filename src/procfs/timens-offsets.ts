import { EACCES, EINVAL, EPERM, ERANGE } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { CAP_SYS_TIME, capable } from '../kernel/capability.js';
import type { FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { textFromUser } from './kstrtox.js';
import { procTaskOf } from './proc-inode.js';

const NANOSECONDS = 1_000_000_000n;
/** KTIME_SEC_MAX / 2: no clock may be set further away, in seconds. */
const FARTHEST = 9223372036n / 2n;

/** The clocks that have an offset, by name and by number. */
const CLOCK = 'monotonic|boottime|1|7';
const LINE = new RegExp(`^(?:${CLOCK})[ \\t]+([-+]?[0-9]+)[ \\t]+([-+]?[0-9]+)[ \\t]*$`);

/** Seconds of each line. @throws {LinuxError} EINVAL: a line that is none, or none at all */
function parse(text: string): bigint[] {
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.map((line) => {
    const [, seconds, nanoseconds] = LINE.exec(line) ?? fail(EINVAL);
    if (BigInt(nanoseconds ?? '0') < 0n || BigInt(nanoseconds ?? '0') >= NANOSECONDS) fail(EINVAL);
    return BigInt(seconds ?? '0');
  });
}

/**
 * /proc/PID/timens_offsets: how far the clocks of the task's children are from the machine's. There is one
 * time namespace, the first, whose clocks stay as they are.
 * @throws {LinuxError} ESRCH: the task is gone; EINVAL: not a clock, seconds and nanoseconds a line; EPERM:
 *   without CAP_SYS_TIME; ERANGE: too far; else EACCES
 * @see kernel/time/namespace.c proc_timens_set_offset(), fs/proc/base.c timens_offsets_write()
 */
export const timensOffsetsOperations: FileOperations = singleFile(
  (_caller, file) => {
    // A zombie has no namespaces left.
    if (procTaskOf(file).exited) return '';
    return ['monotonic', 'boottime']
      .map((clock) => `${clock.padEnd(10)} ${'0'.padStart(10)} ${'0'.padStart(9)}\n`)
      .join('');
  },
  {
    write(caller, file, buf, pos) {
      if (pos !== 0 || buf.length >= PAGE_SIZE) fail(EINVAL);
      const seconds = parse(textFromUser(buf, PAGE_SIZE));
      const { kernel } = procTaskOf(file);
      if (!capable(caller, kernel.initUserNs, CAP_SYS_TIME)) fail(EPERM);
      for (const each of seconds) if (each > FARTHEST || each < -FARTHEST) fail(ERANGE);
      return fail(EACCES);
    },
  },
);
