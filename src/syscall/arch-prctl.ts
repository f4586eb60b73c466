import { EINVAL, ENODEV, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { TASK_SIZE } from '../mm/address.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { int, type SyscallFamily, writeU64 } from './args.js';

// arch/x86/include/uapi/asm/prctl.h
const ARCH_SET_GS = 0x1001;
const ARCH_SET_FS = 0x1002;
const ARCH_GET_FS = 0x1003;
const ARCH_GET_GS = 0x1004;
const ARCH_GET_CPUID = 0x1011;
const ARCH_SET_CPUID = 0x1012;
const ARCH_GET_XCOMP_SUPP = 0x1021;
const ARCH_GET_XCOMP_PERM = 0x1022;
/** XFEATURE_MASK_FP, SSE and YMM: what the 832 bytes of the xsave area hold. */
const XFEATURES = 7;

/** struct user_regs_struct: 27 registers of 8 bytes, fs_base and gs_base among them. */
const REGS_SIZE = 27 * 8;
const FS_BASE = 21 * 8;
const GS_BASE = 22 * 8;

/**
 * arch_prctl of x86-64: the bases of fs and gs, which the task's registers keep.
 *
 * @see arch/x86/kernel/process_64.c, do_arch_prctl_64()
 */
export const archPrctlCalls: SyscallFamily = {
  arch_prctl(task, option, addr) {
    switch (int(option)) {
      case ARCH_SET_FS:
        return setBase(task, FS_BASE, addr);
      case ARCH_SET_GS:
        return setBase(task, GS_BASE, addr);
      case ARCH_GET_FS:
        return getBase(task, FS_BASE, addr);
      case ARCH_GET_GS:
        return getBase(task, GS_BASE, addr);
      case ARCH_GET_CPUID:
        return 1;
      case ARCH_GET_XCOMP_SUPP:
      case ARCH_GET_XCOMP_PERM:
        writeU64(task, addr, XFEATURES);
        return 0;
      case ARCH_SET_CPUID:
        return fail(ENODEV);
      default:
        return fail(EINVAL);
    }
  },
};

function registers(task: TaskStruct): DataView {
  task.regs ??= new Uint8Array(REGS_SIZE);
  return new DataView(task.regs.buffer, task.regs.byteOffset, task.regs.length);
}

/** @throws {LinuxError} EPERM: no address of user memory */
function setBase(task: TaskStruct, offset: number, addr: U64): number {
  if (addr >= TASK_SIZE) fail(EPERM);
  registers(task).setBigUint64(offset, BigInt(addr), true);
  return 0;
}

function getBase(task: TaskStruct, offset: number, addr: U64): number {
  writeU64(task, addr, toU64(registers(task).getBigUint64(offset, true)));
  return 0;
}
