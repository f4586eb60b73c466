/* Actions, masks and waiting signals, as status and the calls show them. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct action {
    unsigned long handler, flags, restorer, mask;
};
struct stack {
    unsigned long sp;
    unsigned int flags, pad;
    unsigned long size;
};

static long result(long value)
{
    return value < 0 ? -errno : value;
}

static long act(int signal, unsigned long handler, unsigned long flags, unsigned long mask)
{
    struct action action = {handler, flags, 0, mask};
    return result(syscall(SYS_rt_sigaction, signal, &action, NULL, 8));
}

static long mask(int how, unsigned long set)
{
    return result(syscall(SYS_rt_sigprocmask, how, &set, NULL, 8));
}

static void show(int pid, const char *label)
{
    char path[40], line[200];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    printf("%s:", label);
    while (file && fgets(line, sizeof line, file)) {
        char name[20];
        unsigned long value;
        if (sscanf(line, "%19[^:]: %lx", name, &value) != 2)
            continue;
        if (!strcmp(name, "SigPnd") || !strcmp(name, "ShdPnd") || !strcmp(name, "SigBlk") || !strcmp(name, "SigIgn") ||
            !strcmp(name, "SigCgt"))
            printf(" %s %lx", name, value);
    }
    if (file)
        fclose(file);
    putchar('\n');
}

static void ended(int pid)
{
    siginfo_t info;
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
}

static int child(int code)
{
    fflush(stdout);
    int pid = fork();
    if (pid == 0) {
        if (code >= 0)
            _exit(code);
        for (;;)
            pause();
    }
    return pid;
}

/* Nothing waits, nothing is held back, and every action is the default. */
static void reset(void)
{
    for (int signal = 1; signal <= 64; signal++) {
        act(signal, 1, 0, 0);
        act(signal, 0, 0, 0);
    }
    mask(SIG_SETMASK, 0);
}

static void actions(void)
{
    struct action action = {0, 0, 0, 0}, old;
    const int rows[][3] = {{0, 1, 8}, {65, 1, 8}, {9, 1, 8}, {19, 1, 8}, {9, 0, 8}, {10, 1, 4}, {10, 1, 8}, {64, 0, 8}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("action %d %d %d: %ld\n", rows[i][0], rows[i][1], rows[i][2],
               result(syscall(SYS_rt_sigaction, rows[i][0], rows[i][1] ? &action : NULL, NULL, rows[i][2])));
    printf("bad address: %ld\n", result(syscall(SYS_rt_sigaction, 10, 8L, NULL, 8)));
    act(10, 0x4000, ~0UL, ~0UL);
    syscall(SYS_rt_sigaction, 10, NULL, &old, 8);
    printf("kept: %lx %lx %lx\n", old.handler, old.flags, old.mask);
    act(12, 1, 0, 0);
    show(getpid(), "caught and ignored");
    int pid = child(-1);
    show(pid, "inherited");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    reset();
}

static void masks(void)
{
    unsigned long set = 0;
    printf("how 3: %ld\n", mask(3, 0));
    printf("size 4: %ld\n", result(syscall(SYS_rt_sigprocmask, 0, &set, NULL, 4)));
    mask(SIG_SETMASK, ~0UL);
    show(getpid(), "all");
    mask(SIG_UNBLOCK, 0xff00);
    mask(SIG_BLOCK, 0x1000);
    syscall(SYS_rt_sigprocmask, 0, NULL, &set, 8);
    printf("mask: %lx\n", set);
    mask(SIG_SETMASK, 0);
}

static void waiting(void)
{
    unsigned long set = 0;
    siginfo_t info = {0};
    mask(SIG_SETMASK, ~0UL);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
    info.si_code = SI_QUEUE;
    printf("queue: %ld\n", result(syscall(SYS_rt_sigqueueinfo, getpid(), 40, &info)));
    kill(getpid(), SIGWINCH);
    show(getpid(), "waiting");
    printf("pending: %ld", result(syscall(SYS_rt_sigpending, &set, 8)));
    printf(" %lx, 9: %ld\n", set, result(syscall(SYS_rt_sigpending, &set, 9)));
    int pid = child(-1);
    show(pid, "child");
    info.si_code = 0;
    printf("forged: %ld\n", result(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info)));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    act(SIGUSR1, 1, 0, 0);
    act(SIGWINCH, 0, 0, 0);
    act(SIGUSR2, 0, 0, 0);
    show(getpid(), "ignored no longer wait");
    act(SIGUSR2, 1, 0, 0);
    act(40, 1, 0, 0);
    act(SIGCHLD, 1, 0, 0);
    reset();
    mask(SIG_SETMASK, ~0UL);
    kill(getpid(), SIGTSTP);
    show(getpid(), "stop");
    kill(getpid(), SIGCONT);
    show(getpid(), "continue");
    kill(getpid(), SIGTTIN);
    show(getpid(), "stop again");
    reset();
}

static void children(void)
{
    int pid, status;
    mask(SIG_SETMASK, 1UL << (SIGCHLD - 1));
    ended(pid = child(3));
    show(getpid(), "child ended");
    waitpid(pid, NULL, 0);
    act(SIGCHLD, 1, 0, 0);
    pid = child(3);
    printf("ignored: %ld", result(waitpid(pid, NULL, 0)));
    show(getpid(), "");
    act(SIGCHLD, 0, SA_NOCLDWAIT, 0);
    pid = child(3);
    printf("no zombies: %ld", result(waitpid(pid, NULL, 0)));
    show(getpid(), "");
    for (int flags = 0; flags <= 1; flags++) {
        act(SIGCHLD, 1, 0, 0);
        act(SIGCHLD, 0, flags, 0);
        pid = child(-1);
        kill(pid, SIGSTOP);
        waitpid(pid, NULL, WUNTRACED);
        show(getpid(), "stopped");
        act(SIGCHLD, 1, 0, 0);
        act(SIGCHLD, 0, flags, 0);
        kill(pid, SIGCONT);
        waitpid(pid, NULL, WCONTINUED);
        usleep(50000); /* the child itself tells, once it runs */
        show(getpid(), "continued");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    reset();
    mask(SIG_SETMASK, ~0UL);
    pid = syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT | __WALL);
    show(getpid(), "exit signal");
    waitpid(pid, NULL, __WALL);
    reset();
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        mask(SIG_SETMASK, 1UL << (SIGTERM - 1));
        kill(getpid(), SIGTERM);
        mask(SIG_SETMASK, 0);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    printf("unblocked: %d\n", status);
}

static void stacks(void)
{
    struct stack stack, old;
    const unsigned long rows[][3] = {
        {0x10000, 0, 2047}, {0x10000, 4, 8192}, {0x10000, 3, 8192}, {0x10000, 1, 8192}, {0x20000, 0x80000000, 8192},
        {0x30000, 2, 5},    {0x10000, 0, 2048}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        stack = (struct stack){rows[i][0], rows[i][1], 0, rows[i][2]};
        long answer = result(syscall(SYS_sigaltstack, &stack, NULL));
        syscall(SYS_sigaltstack, NULL, &old);
        printf("stack: %ld %lx %x %lu\n", answer, old.sp, old.flags, old.size);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    if (argc > 1) {
        struct stack old;
        show(getpid(), "after exec");
        syscall(SYS_sigaltstack, NULL, &old);
        printf("stack after exec: %x\n", old.flags);
        return 0;
    }
    reset();
    actions();
    masks();
    waiting();
    children();
    stacks();
    act(SIGHUP, 1, 0, 0);
    act(SIGUSR1, 0x4000, 0, 0);
    mask(SIG_SETMASK, 0xff000);
    kill(getpid(), SIGTERM);
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", NULL);
    return 1;
}
