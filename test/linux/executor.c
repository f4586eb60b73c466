/*
 * The acting process of the trace recorder: performs one step at a time, on the kernel underneath.
 *
 *   controller (record.ts) --pipe--> conductor (this program's first process)
 *                                        |  shared slots, one a task, woken by futex
 *                                        +--> tasks A, B, … (its children) and what they fork or clone
 *
 * A task must look like the trace format's description whatever it does to itself, so a task owns no descriptor beyond
 * 0, 1 and 2 (/dev/null), takes its commands from shared memory rather than from a pipe, makes its system calls without
 * libc (whose setuid() would touch every thread, and whose getpid() may remember), and keeps everything of ours outside
 * the arena:
 *
 *   0x100000000000  the arena: empty, for the steps
 *   0x200000000000  scratch, 1 MiB private: strings and buffers of the current call
 *   0x201000000000  the slots, shared by everyone
 *   0x202000000000  thread stacks and signal stacks, private, mapped before any limit is lowered
 *
 * Build: gcc -O2 -static -Wall -Wextra -o executor executor.c task.c
 */
#define _GNU_SOURCE
#include "executor.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_SECONDS 10 /* a step that takes longer has blocked: the generator is wrong */

static const struct {
    const char *name;
    int nr;
} call_names[] = {
#define CALL(name) {#name, SYS_##name},
#include "syscall-names.h"
#undef CALL
};

static void die(const char *what)
{
    fprintf(stderr, "executor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_fully(void *into, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = read(STDIN_FILENO, (char *)into + done, length - done);
        if (n == 0)
            exit(0); /* the controller is gone; end_tasks() runs */
        if (n < 0)
            die("reading a request");
        done += n;
    }
}

static void write_fully(const void *from, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(STDOUT_FILENO, (const char *)from + done, length - done);
        if (n < 0)
            exit(0);
        done += n;
    }
}

/* Every process there was. The initial ones are our children; the others only once we adopted them. */
static struct {
    pid_t pid;
    int initial;
} known[MAX_TASKS];
static int known_count;

static void remember(pid_t pid, int initial)
{
    known[known_count].pid = pid;
    known[known_count++].initial = initial;
}

static void end_tasks(void)
{
    for (int i = 0; i < known_count && getpid() == conductor; i++)
        kill(known[i].pid, SIGKILL);
}

/*
 * Orphans become init's in the trace format's world, which reaps them at once. The init of a recording machine takes its
 * time, so we adopt them in its place. Initial tasks stay zombies.
 */
static void reap_orphans(void)
{
    for (int i = 0; i < known_count; i++)
        if (!known[i].initial)
            waitpid(known[i].pid, NULL, WNOHANG);
}

static void limit(int resource, rlim_t value)
{
    struct rlimit old, new;
    getrlimit(resource, &old);
    new.rlim_cur = new.rlim_max = value < old.rlim_max ? value : old.rlim_max;
    setrlimit(resource, &new);
}

/* The limits of the trace's header; the controller reads back what they became. */
static void set_limits(void)
{
    limit(RLIMIT_AS, RLIM_INFINITY);
    limit(RLIMIT_DATA, RLIM_INFINITY);
    limit(RLIMIT_STACK, 8 << 20);
    limit(RLIMIT_MEMLOCK, 8 << 20);
    limit(RLIMIT_NOFILE, 1024);
    limit(RLIMIT_CORE, 0);
}

/* A task that another has SEIZEd stops at every signal it gets, and nobody would wake it when a child of it ends. */
static void block_sigchld(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void become_task(struct slot *slot)
{
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    close(null);
    chdir("/");
    umask(022);
    block_sigchld();
    set_limits();
    task_loop(slot);
}

static void do_spawn(struct slot *slot, struct reply *reply)
{
    pid_t pid = fork();
    if (pid == 0)
        become_task(slot);
    reply->value = pid;
    remember(pid, 1);
}

/* Waits until a process, child or not, is a zombie (or gone). */
static void await_death(pid_t pid, struct reply *reply)
{
    int fd = syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    if (fd >= 0) {
        reply->lost = poll(&ended, 1, ANSWER_SECONDS * 1000) != 1;
        close(fd);
    }
    reap_orphans();
}

static void ask_task(struct slot *slot, struct reply *reply)
{
    time_t deadline = time(NULL) + ANSWER_SECONDS;

    set_state(slot, POSTED);
    if (slot->request.op == OP_EXIT)
        return; /* it will not answer: the controller awaits its death */
    while (state_of(slot) == POSTED) {
        futex_wait(&slot->state, POSTED, 1);
        if (time(NULL) > deadline) {
            reply->lost = 1;
            return;
        }
    }
    *reply = slot->reply;
    if (slot->request.op == OP_FORK && reply->value > 0)
        remember(reply->value, 0);
}

static void serve(void)
{
    static struct request request;
    struct reply reply;

    for (;;) {
        read_fully(&request, sizeof request);
        struct slot *slot = SLOTS + request.slot;
        read_fully(slot->data, request.in_length);
        slot->request = request;
        reply = (struct reply){0};
        switch (request.op) {
        case OP_SPAWN: do_spawn(slot, &reply); break;
        case OP_AWAIT_DEATH: await_death(request.arg[0], &reply); break;
        default: ask_task(slot, &reply);
        }
        if (reply.value < 0 && reply.value >= -4095) {
            const char *name = strerrorname_np(-reply.value);
            snprintf(reply.error, sizeof reply.error, "%s", name ? name : "");
        }
        write_fully(&reply, sizeof reply);
        write_fully(slot->data, reply.out_length);
    }
}

static void map_at(void *place, size_t length, int flags)
{
    if (mmap(place, length, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != place)
        die("mmap");
}

static void make_device(const char *path, int minor)
{
    if (mknod(path, S_IFCHR | 0666, makedev(1, minor)) || chmod(path, 0666))
        die(path);
}

/*
 * A root of this trace's own, in memory: /proc, a few devices and an empty /tmp. Whatever the steps do to files, as root,
 * does not reach the machine's. It is no chroot, which would forbid user namespaces: it becomes the root of a mount
 * namespace.
 */
static void make_private_root(void)
{
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") || chdir("/tmp"))
        die("a private root");
    if (mkdir("proc", 0755) || mkdir("dev", 0755) || mkdir("tmp", 0777) || chmod("tmp", 01777))
        die("mkdir");
    make_device("dev/null", 3);
    make_device("dev/zero", 5);
    make_device("dev/full", 7);
    if (mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) || syscall(SYS_pivot_root, ".", ".") ||
        umount2(".", MNT_DETACH) || chdir("/"))
        die("pivot_root");
}

/* The first line out: what the header needs, and the number of each call by its name. */
static void say_hello(void)
{
    struct utsname uts;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    uname(&uts);
    syscall(SYS_capget, &header, caps);
    printf("{\"kernel\":\"%s\",\"caps\":\"%llx\",\"calls\":{", uts.release,
           (unsigned long long)caps[1].effective << 32 | caps[0].effective);
    for (size_t i = 0; i < sizeof call_names / sizeof call_names[0]; i++)
        printf("%s\"%s\":%d", i ? "," : "", call_names[i].name, call_names[i].nr);
    printf("}}\n");
    fflush(stdout);
}

int main(void)
{
    conductor = getpid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    atexit(end_tasks);
    if (setgroups(0, NULL))
        die("setgroups (root is needed)");
    umask(0);
    make_private_root();
    map_at(SCRATCH, SCRATCH_SIZE, MAP_PRIVATE);
    map_at(SLOTS, MAX_TASKS * sizeof(struct slot), MAP_SHARED);
    map_at(STACKS, MAX_TASKS * 2 * STACK_SIZE, MAP_PRIVATE);
    catch_faults();
    signal(SIGPIPE, SIG_IGN);
    say_hello();
    serve();
}
