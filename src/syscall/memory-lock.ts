import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { mlock, mlockall, munlock, munlockall } from '../mm/mlock.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, done, int, type SyscallFamily } from './args.js';
import { mmLimits } from '../kernel/mm-limits.js';

/** mlock2: lock pages as they come rather than fault them in. */
const MLOCK_ONFAULT = 1;

/**
 * Locking memory (K-546).
 *
 * @see mm/mlock.c
 */
export const memoryLockCalls: SyscallFamily = {
  mlock: (task, addr, length) => done(lock(task, addr, length, false)),
  mlock2(task, addr, length, flags) {
    if ((int(flags) & ~MLOCK_ONFAULT) !== 0) fail(EINVAL);
    return done(lock(task, addr, length, int(flags) !== 0));
  },
  munlock: (task, addr, length) => done(munlock(currentMm(task), addr, length, mmLimits(task))),
  mlockall: (task, flags) => done(mlockall(currentMm(task), int(flags), mmLimits(task))),
  munlockall: (task) => done(munlockall(currentMm(task), mmLimits(task))),
};

function lock(task: TaskStruct, addr: U64, length: U64, onFault: boolean): void {
  mlock(currentMm(task), addr, length, onFault, mmLimits(task));
}
