import { EINVAL, ENXIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File } from './file.js';
import { SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from './flags.js';
import { toU64 } from './u64.js';
import type { U64 } from './u64.js';

/**
 * A position to go to, checked against the file system's largest.
 * @throws {LinuxError} EINVAL: before 0, or beyond
 * @see fs/read_write.c vfs_setpos()
 */
function vfsSetpos(file: File, offset: bigint): U64 {
  const signed = BigInt.asIntN(64, offset);
  if (signed < 0n || signed > file.inode.sb.maxBytes) fail(EINVAL);
  return toU64(signed);
}

/**
 * Seeks in a file of a size, all of it data.
 * @throws {LinuxError} EINVAL: before 0 or too large; ENXIO: data or hole asked for beyond the end
 * @see fs/read_write.c generic_file_llseek()
 */
export function genericFileLlseek(
  _task: TaskStruct,
  file: File,
  offset: bigint,
  whence: number,
): U64 {
  const size = BigInt(file.inode.size);
  if (whence === SEEK_END) return vfsSetpos(file, offset + size);
  if (whence === SEEK_CUR)
    return offset === 0n ? file.pos : vfsSetpos(file, BigInt(file.pos) + offset);
  if (whence === SEEK_SET) return vfsSetpos(file, offset);
  if (offset < 0n || offset >= size) fail(ENXIO);
  return vfsSetpos(file, whence === SEEK_DATA ? offset : size);
}

/**
 * The same without a largest position; the end is the hole of whatever lies before it, were it negative.
 * @throws {LinuxError} EINVAL: before 0; ENXIO: data or hole asked for beyond the end
 * @see fs/read_write.c default_llseek()
 */
export function defaultLlseek(task: TaskStruct, file: File, offset: bigint, whence: number): U64 {
  const size = BigInt(file.inode.size);
  if (whence === SEEK_END) return seqLlseek(task, file, offset + size, SEEK_SET);
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return seqLlseek(task, file, offset, whence);
  if (offset >= size) fail(ENXIO);
  return seqLlseek(task, file, whence === SEEK_DATA ? offset : size, SEEK_SET);
}

/**
 * Seeks where only positions from the start or here make sense: text made on the fly.
 * @throws {LinuxError} EINVAL: another whence, or before 0 (K-602)
 * @see fs/seq_file.c seq_lseek()
 */
export function seqLlseek(_task: TaskStruct, file: File, offset: bigint, whence: number): U64 {
  if (whence !== SEEK_CUR && whence !== SEEK_SET) fail(EINVAL);
  const to = BigInt.asIntN(64, whence === SEEK_CUR ? BigInt(file.pos) + offset : offset);
  return to < 0n ? fail(EINVAL) : toU64(to);
}

/**
 * Seeks where positions are addresses: any 64-bit value, from the start or here with wraparound
 * (K-120).
 * @throws {LinuxError} EINVAL: another whence
 * @see fs/proc/base.c mem_lseek()
 */
export function memLlseek(_task: TaskStruct, file: File, offset: bigint, whence: number): U64 {
  if (whence === SEEK_SET) return toU64(offset);
  if (whence === SEEK_CUR) return toU64(BigInt(file.pos) + offset);
  fail(EINVAL);
}

/**
 * Seeks a device that has no positions: it stays at 0.
 * @see drivers/char/mem.c null_lseek()
 */
export function nullLlseek(): U64 {
  return 0;
}
