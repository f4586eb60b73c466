// The few things the thumbnailer needs from its surroundings: system calls, a heap, a thread.
// It brings its own so that the executable, and the core it leaves, hold no code but ours.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

extern "C" {
long systemCall(long number, long a, long b, long c);
/// Starts `entry(argument)` on a stack of its own; the thread never returns.
long startThread(void (*entry)(void *), void *argument);
/// Bytes from the program break; they are never given back.
void *allocate(u64 bytes);
}

void print(const char *text);
void sleepMilliseconds(u64 milliseconds);
