/*
 * What a task runs. No libc: its setuid() would touch every thread of the process, its getpid() might remember, and its
 * thread-local variables would be shared by threads that it did not make.
 */
#define _GNU_SOURCE
#include "executor.h"
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

pid_t conductor;

struct fault {
    uint32_t signal, code;
    uint64_t address;
};

long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void copy(uint8_t *to, const uint8_t *from, uint64_t length)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

/*
 * One byte of the task's memory, as a CPU touches it. The third argument is where the handler of SIGSEGV and SIGBUS
 * leaves what it was told; it then resumes at access_faulted, which returns -1.
 */
long load_byte(uint64_t address, long unused, struct fault *fault);
long store_byte(uint64_t address, long byte, struct fault *fault);
extern const char access_faulted[];
__asm__(".text\n"
        "load_byte:\n"
        "    movzbl (%rdi), %eax\n"
        "    ret\n"
        "store_byte:\n"
        "    movb %sil, (%rdi)\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        "access_faulted:\n"
        "    movq $-1, %rax\n"
        "    ret\n");

static void on_fault(int signal, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (regs[REG_RIP] != (greg_t)load_byte && regs[REG_RIP] != (greg_t)store_byte)
        raw_syscall(SYS_exit_group, 99, 0, 0, 0, 0, 0); /* a fault of our own: nothing to save */
    struct fault *fault = (struct fault *)regs[REG_RDX];
    fault->signal = signal;
    fault->code = info->si_code;
    fault->address = (uint64_t)info->si_addr;
    regs[REG_RIP] = (greg_t)access_faulted;
}

static uint8_t *stack_of(struct slot *slot)
{
    return STACKS + (slot - SLOTS) * 2 * STACK_SIZE;
}

/* The signal stack is a thread's own, so each task names one when it starts. */
static void use_signal_stack(struct slot *slot)
{
    stack_t stack = {.ss_sp = stack_of(slot) + STACK_SIZE, .ss_size = STACK_SIZE};
    raw_syscall(SYS_sigaltstack, (long)&stack, 0, 0, 0, 0, 0);
}

long futex_wait(uint32_t *word, uint32_t while_value, long seconds)
{
    struct timespec timeout = {.tv_sec = seconds};
    return raw_syscall(SYS_futex, (long)word, FUTEX_WAIT, while_value, (long)&timeout, 0, 0);
}

uint32_t state_of(struct slot *slot)
{
    return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

void set_state(struct slot *slot, uint32_t state)
{
    __atomic_store_n(&slot->state, state, __ATOMIC_RELEASE);
    raw_syscall(SYS_futex, (long)&slot->state, FUTEX_WAKE, 1, 0, 0, 0);
}

static void record_fault(struct reply *reply, const struct fault *fault)
{
    reply->signal = fault->signal;
    reply->code = fault->code;
    reply->fault_address = fault->address;
}

static void do_call(struct slot *slot)
{
    struct request *request = &slot->request;
    struct reply *reply = &slot->reply;
    uint64_t *arg = request->arg;

    copy(SCRATCH, slot->data, request->in_length);
    reply->value = raw_syscall(request->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
    for (uint32_t i = 0; i < request->out_count; i++) {
        copy(slot->data + reply->out_length, SCRATCH + request->out[i].offset, request->out[i].length);
        reply->out_length += request->out[i].length;
    }
}

static void do_peek(struct slot *slot)
{
    struct fault fault = {0};
    uint64_t address = slot->request.arg[0], length = slot->request.arg[1];

    for (uint64_t i = 0; i < length && !fault.signal; i++)
        slot->data[i] = load_byte(address + i, 0, &fault);
    slot->reply.out_length = fault.signal ? 0 : length;
    record_fault(&slot->reply, &fault);
}

static void do_poke(struct slot *slot)
{
    struct fault fault = {0};

    for (uint64_t i = 0; i < slot->request.in_length && !fault.signal; i++)
        store_byte(slot->request.arg[0] + i, slot->data[i], &fault);
    record_fault(&slot->reply, &fault);
}

/* The child carries on in here, on its copy of this very stack. */
static void do_fork(struct slot *slot)
{
    struct slot *child = SLOTS + slot->request.arg[0];
    long pid = raw_syscall(SYS_fork, 0, 0, 0, 0, 0, 0);
    if (pid == 0)
        task_loop(child);
    slot->reply.value = pid;
}

/* The new thread finds its slot at the top of its stack, and never returns. */
long start_thread(unsigned long flags, void *stack_top, void *entry);
__asm__(".text\n"
        "start_thread:\n"
        "    movq %rdx, %r9\n"
        "    xorl %edx, %edx\n"
        "    xorl %r10d, %r10d\n"
        "    xorl %r8d, %r8d\n"
        "    movl $56, %eax\n" /* clone */
        "    syscall\n"
        "    testq %rax, %rax\n"
        "    jnz 1f\n"
        "    popq %rdi\n"
        "    xorl %ebp, %ebp\n"
        "    call *%r9\n"
        "1:  ret\n");

static void do_thread(struct slot *slot)
{
    struct slot *thread = SLOTS + slot->request.arg[0];
    /* Once the slot is popped, the stack is 16-byte aligned, as a call needs it. */
    struct slot **stack_top = (struct slot **)(stack_of(thread) + STACK_SIZE - 24);
    *stack_top = thread;
    slot->reply.value = start_thread(
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, stack_top, task_loop);
}

static void perform(struct slot *slot)
{
    slot->reply = (struct reply){0};
    switch (slot->request.op) {
    case OP_CALL: do_call(slot); break;
    case OP_PEEK: do_peek(slot); break;
    case OP_POKE: do_poke(slot); break;
    case OP_FORK: do_fork(slot); break;
    case OP_THREAD: do_thread(slot); break;
    case OP_EXIT: raw_syscall(SYS_exit_group, slot->request.arg[0], 0, 0, 0, 0, 0);
    }
}

void task_loop(struct slot *slot)
{
    use_signal_stack(slot);
    for (;;) {
        uint32_t state;
        while ((state = state_of(slot)) != POSTED) {
            /* Credential changes clear a parent-death signal, so a task looks whether the conductor still is. */
            if (futex_wait(&slot->state, state, 2) == -ETIMEDOUT &&
                raw_syscall(SYS_kill, conductor, 0, 0, 0, 0, 0) == -ESRCH)
                raw_syscall(SYS_exit_group, 1, 0, 0, 0, 0, 0);
        }
        perform(slot);
        set_state(slot, ANSWERED);
    }
}

void catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}
