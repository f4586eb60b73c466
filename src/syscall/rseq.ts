import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sysRseq } from '../kernel/rseq.js';
import { currentMm, done, int, type SyscallFamily, uint } from './args.js';

// include/uapi/linux/membarrier.h
const MEMBARRIER_CMD_QUERY = 0;
const MEMBARRIER_CMD_GLOBAL = 1;
const MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2;
const MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 128;
const MEMBARRIER_CMD_GET_REGISTRATIONS = 512;
const MEMBARRIER_CMD_FLAG_CPU = 1;
/** Every command but the question. */
const MEMBARRIER_COMMANDS = 0x3ff;
/** Commands that register a process; each is the double of the command that it allows. */
const REGISTERING = 4 | 16 | 64 | 256;
/** Commands of a process that registered. */
const PRIVATE = 8 | 32 | 128;

/**
 * Restartable sequences, and barriers between the threads of a process, of which one CPU needs none.
 *
 * @see kernel/rseq.c, kernel/sched/membarrier.c
 */
export const rseqCalls: SyscallFamily = {
  rseq: (task, addr, length, flags, signature) =>
    done(
      sysRseq(
        task,
        currentMm(task),
        { addr, length: uint(length), signature: uint(signature) },
        int(flags),
      ),
    ),
  membarrier(task, command, flags) {
    const asked = int(command);
    const allowed = asked === MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? MEMBARRIER_CMD_FLAG_CPU : 0;
    if (uint(flags) !== 0 && uint(flags) !== allowed) fail(EINVAL);
    if (asked === MEMBARRIER_CMD_QUERY) return MEMBARRIER_COMMANDS;
    const mm = currentMm(task);
    switch (asked) {
      case MEMBARRIER_CMD_GLOBAL:
      case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
        return 0;
      case MEMBARRIER_CMD_GET_REGISTRATIONS:
        return mm.membarriers;
    }
    if (asked <= 0 || (asked & (asked - 1)) !== 0) return fail(EINVAL);
    if ((asked & REGISTERING) !== 0) mm.membarriers |= asked;
    else if ((asked & PRIVATE) === 0) fail(EINVAL);
    else if ((mm.membarriers & (asked * 2)) === 0) fail(EPERM);
    return 0;
  },
};
