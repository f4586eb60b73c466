import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_PTRACE, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { UserfaultfdContext } from '../mm/userfaultfd.js';
import type { WaitingFault } from '../mm/userfault-queue.js';
import { Dentry, ownName } from './dentry.js';
import { filesOf, nofileLimit } from './fdtable.js';
import { File, FMODE_LSEEK, FMODE_READ } from './file.js';
import type { FileOperations } from './file.js';
import { O_CLOEXEC, O_NONBLOCK, POLLERR, POLLIN } from './flags.js';
import { fsOf } from './fs-struct.js';
import { Inode } from './inode.js';
import { UFFD_API, UFFD_ALL_IOCTLS, userfaultfdIoctl } from './userfaultfd-ioctl.js';

/** Faults by the CPU alone are told of: anybody may ask for that. */
export const UFFD_USER_MODE_ONLY = 1;
/** _IO(0xaa, 0) of /dev/userfaultfd. */
const USERFAULTFD_IOC_NEW = 0xaa00;

/** struct uffd_msg: event u8 at 0, then of a fault flags u64 at 8, address u64 at 16, thread u32 at 24. */
const MSG_SIZE = 32;
const UFFD_EVENT_PAGEFAULT = 0x12;

function message(context: UserfaultfdContext, fault: WaitingFault): Uint8Array {
  const bytes = new Uint8Array(MSG_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, UFFD_EVENT_PAGEFAULT);
  view.setBigUint64(8, BigInt(fault.flags), true);
  view.setBigUint64(16, BigInt(fault.address), true);
  if (context.tellsThread) view.setUint32(24, fault.tid, true);
  return bytes;
}

/**
 * Reads messages of faults, each once, as many as fit.
 * @throws {LinuxError} EINVAL: before UFFDIO_API, or no room for one; EAGAIN, ERESTARTSYS: there is none;
 *   EFAULT
 * @see fs/userfaultfd.c, userfaultfd_read_iter()
 */
function read(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const context = contextOf(file);
  if (context.features === 0) fail(EINVAL);
  let done = 0;
  while (buf.length - done >= MSG_SIZE) {
    const fault = context.queue.take();
    if (fault === null) {
      if (done > 0) return done;
      return fail((file.flags & O_NONBLOCK) === 0 ? ERESTARTSYS : EAGAIN);
    }
    if (buf.copyTo(done, message(context, fault)) < MSG_SIZE) return done > 0 ? done : fail(EFAULT);
    done += MSG_SIZE;
  }
  return done > 0 ? done : fail(EINVAL);
}

/** A userfaultfd (fs/userfaultfd.c userfaultfd_fops). */
export const userfaultfdOperations: FileOperations = {
  read,
  poll(file) {
    const context = contextOf(file);
    // Whoever would sleep in read is told so.
    if (context.features === 0 || (file.flags & O_NONBLOCK) === 0) return POLLERR;
    return context.queue.counts().pending > 0 ? POLLIN : 0;
  },
  ioctl: (task, file, cmd, arg) => userfaultfdIoctl(task, contextOf(file), cmd, arg),
  showFdinfo(file) {
    const { queue, features } = contextOf(file);
    const { pending, total } = queue.counts();
    const api = `${UFFD_API.toString(16)}:${features.toString(16)}:${UFFD_ALL_IOCTLS.toString(16)}`;
    return `pending:\t${pending}\ntotal:\t${total}\nAPI:\t${api}\n`;
  },
  // noop_llseek(): it has a position that never moves.
  llseek: (_task, file) => file.pos,
  release: (file) => contextOf(file).release(),
  iter: true,
};

function contextOf(file: File): UserfaultfdContext {
  return file.privateData as UserfaultfdContext;
}

/** What an open file is the descriptor of; null if it is no userfaultfd. */
export function userfaultfdContext(file: File): UserfaultfdContext | null {
  return file.fops === userfaultfdOperations ? contextOf(file) : null;
}

/**
 * A descriptor for the faults of the caller's memory.
 * @throws {LinuxError} EINVAL: flags; EMFILE
 * @see fs/userfaultfd.c, new_userfaultfd()
 */
function newUserfaultfd(task: TaskStruct, flags: number): number {
  const shared = O_CLOEXEC | O_NONBLOCK;
  if ((flags & ~(shared | UFFD_USER_MODE_ONLY)) !== 0) fail(EINVAL);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const { vfs } = fsOf(task);
  const mm = task.mm ?? fail(ENOMEM);
  const inode = new Inode(vfs.pipefs, 0o600, 0, 0, {}, userfaultfdOperations);
  const dentry = new Dentry('anon_inode:[userfaultfd]', null, inode, ownName);
  const path = { mnt: vfs.pipeMount, dentry };
  const file = new File(
    path,
    flags & shared,
    FMODE_READ | FMODE_LSEEK,
    task.cred,
    userfaultfdOperations,
  );
  file.privateData = new UserfaultfdContext(mm, (flags & UFFD_USER_MODE_ONLY) !== 0);
  files.install(fd, file, (flags & O_CLOEXEC) !== 0);
  return fd;
}

/**
 * userfaultfd(2).
 * @throws {LinuxError} EPERM: faults of the kernel too, without CAP_SYS_PTRACE while
 *   vm.unprivileged_userfaultfd is 0; EINVAL: flags; EMFILE
 * @see fs/userfaultfd.c, userfaultfd_syscall_allowed()
 */
export function sysUserfaultfd(task: TaskStruct, flags: number): number {
  const { kernel } = task;
  const allowed =
    (flags & UFFD_USER_MODE_ONLY) !== 0 ||
    capable(task, kernel.initUserNs, CAP_SYS_PTRACE) ||
    kernel.sysctl.get('vm.unprivileged_userfaultfd') !== 0;
  return allowed ? newUserfaultfd(task, flags) : fail(EPERM);
}

/** /dev/userfaultfd: whoever may open it may have descriptors of every kind. */
export const userfaultfdDeviceOperations: FileOperations = {
  ioctl(task, _file, cmd, arg) {
    if (cmd >>> 0 !== USERFAULTFD_IOC_NEW) fail(EINVAL);
    return newUserfaultfd(task, Number(BigInt.asIntN(32, BigInt(arg))));
  },
  read: () => fail(EINVAL),
  write: () => fail(EINVAL),
};
