/*
 * The calls a trace may name, with their numbers from the kernel's own headers: the recorder must not share a table with
 * the emulation it checks. Those younger than the headers of the day are given here.
 */
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
/* files */
CALL(read) CALL(write) CALL(open) CALL(close) CALL(stat) CALL(fstat) CALL(lstat) CALL(lseek) CALL(ioctl)
CALL(pread64) CALL(pwrite64) CALL(readv) CALL(writev) CALL(preadv) CALL(pwritev) CALL(preadv2) CALL(pwritev2)
CALL(access) CALL(faccessat) CALL(faccessat2) CALL(openat) CALL(openat2) CALL(creat) CALL(dup) CALL(dup2) CALL(dup3)
CALL(fcntl) CALL(fsync) CALL(fdatasync) CALL(truncate) CALL(ftruncate) CALL(fallocate) CALL(getcwd) CALL(chdir)
CALL(fchdir) CALL(rename) CALL(renameat2) CALL(mkdir) CALL(mkdirat) CALL(rmdir) CALL(link) CALL(linkat) CALL(unlink)
CALL(unlinkat) CALL(symlink) CALL(symlinkat) CALL(readlink) CALL(readlinkat) CALL(chmod) CALL(fchmod) CALL(fchmodat)
CALL(chown) CALL(fchown) CALL(lchown) CALL(fchownat) CALL(umask) CALL(newfstatat) CALL(statx) CALL(statfs)
CALL(fstatfs) CALL(getdents64) CALL(pipe) CALL(pipe2) CALL(poll) CALL(sendfile) CALL(splice) CALL(tee) CALL(vmsplice)
CALL(copy_file_range) CALL(flock) CALL(memfd_create) CALL(memfd_secret) CALL(close_range) CALL(sync) CALL(chroot)
CALL(readahead) CALL(fadvise64) CALL(mknod) CALL(utimensat) CALL(name_to_handle_at) CALL(syncfs) CALL(eventfd2)
/* memory */
CALL(mmap) CALL(mprotect) CALL(munmap) CALL(brk) CALL(mremap) CALL(msync) CALL(mincore) CALL(madvise) CALL(mlock)
CALL(munlock) CALL(mlockall) CALL(munlockall) CALL(mlock2) CALL(remap_file_pages) CALL(pkey_mprotect) CALL(pkey_alloc)
CALL(pkey_free) CALL(mseal) CALL(map_shadow_stack) CALL(process_madvise) CALL(process_mrelease) CALL(userfaultfd)
CALL(shmget) CALL(shmat) CALL(shmdt) CALL(shmctl) CALL(get_mempolicy) CALL(cachestat)
CALL(process_vm_readv) CALL(process_vm_writev)
/* processes */
CALL(getpid) CALL(gettid) CALL(getppid) CALL(getpgrp) CALL(getpgid) CALL(setpgid) CALL(getsid) CALL(setsid)
CALL(wait4) CALL(waitid) CALL(exit) CALL(kill) CALL(tkill) CALL(tgkill) CALL(prctl) CALL(arch_prctl) CALL(ptrace)
CALL(kcmp) CALL(pidfd_open) CALL(pidfd_getfd) CALL(pidfd_send_signal) CALL(getrlimit) CALL(setrlimit) CALL(prlimit64)
CALL(getrusage) CALL(getpriority) CALL(setpriority) CALL(sched_yield) CALL(uname) CALL(personality) CALL(unshare)
CALL(setns) CALL(rt_sigprocmask) CALL(set_tid_address) CALL(get_robust_list) CALL(sched_getaffinity) CALL(sched_getscheduler)
CALL(sched_getparam) CALL(ioprio_get) CALL(getcpu) CALL(sysinfo) CALL(nanosleep) CALL(futex)
/* credentials */
CALL(getuid) CALL(getgid) CALL(geteuid) CALL(getegid) CALL(setuid) CALL(setgid) CALL(setreuid) CALL(setregid)
CALL(setresuid) CALL(getresuid) CALL(setresgid) CALL(getresgid) CALL(setfsuid) CALL(setfsgid) CALL(getgroups)
CALL(setgroups) CALL(capget) CALL(capset)
/* security */
CALL(landlock_create_ruleset) CALL(landlock_add_rule) CALL(landlock_restrict_self)
