/*
 * What the conductor (executor.c) and the tasks (task.c) share: places in memory, and the slot through which a task gets
 * its commands.
 */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include <stdint.h>
#include <sys/types.h>

#define SCRATCH ((uint8_t *)0x200000000000UL)
#define SCRATCH_SIZE (1UL << 20)
#define SLOTS ((struct slot *)0x201000000000UL)
#define STACKS ((uint8_t *)0x202000000000UL)
#define STACK_SIZE (128UL << 10) /* a slot has two: of a thread, and of its signals */
#define MAX_TASKS 32
#define MAX_OUTS 16

enum op { OP_SPAWN, OP_AWAIT_DEATH, OP_CALL, OP_PEEK, OP_POKE, OP_FORK, OP_THREAD, OP_EXIT };

/* What the controller sends, followed by `in_length` bytes. channel.ts has the same layout. */
struct request {
    uint32_t op;
    uint32_t slot;
    uint32_t in_length;
    uint32_t out_count;
    int64_t nr;
    uint64_t arg[6];
    struct {
        uint32_t offset, length;
    } out[MAX_OUTS];
};

/* What it gets, followed by `out_length` bytes. */
struct reply {
    int64_t value;
    uint64_t fault_address;
    uint32_t signal; /* 0: no fault */
    uint32_t code;
    uint32_t out_length;
    uint32_t lost;  /* the task did not answer in time */
    char error[24]; /* the name of -value, for a value in [-4095, -1] */
};

enum { IDLE, POSTED, ANSWERED };

struct slot {
    uint32_t state; /* the futex */
    struct request request;
    struct reply reply;
    uint8_t data[SCRATCH_SIZE]; /* bytes in, then bytes out */
};

extern pid_t conductor;

long raw_syscall(long nr, long a, long b, long c, long d, long e, long f);
long futex_wait(uint32_t *word, uint32_t while_value, long seconds);
uint32_t state_of(struct slot *slot);
void set_state(struct slot *slot, uint32_t state);

/* SIGSEGV and SIGBUS of a peek or poke come back as its answer. */
void catch_faults(void);

/* Performs what is posted in the slot until told to exit. */
void task_loop(struct slot *slot) __attribute__((noreturn));

#endif
