/*
 * The real kernel's side of the benches: `kernel CASE SIZE` prepares a case, then for every line of
 * standard input, a duration in seconds, repeats it for about that long and prints nanoseconds per
 * operation. One operation is exactly what the bench of the same name does on the emulated machine.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
/* Pages that one operation of the fault cases touches: bench/fault.ts has the same number. */
#define FAULT_PAGES 256

static char *area;
static size_t area_size;
static char *local;
static pid_t target;
static int mem = -1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static char *map(size_t size, int flags, int fd)
{
	char *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (addr == MAP_FAILED)
		die("mmap");
	/* Huge pages would make the kernel do other work than asked for. */
	madvise(addr, size, MADV_NOHUGEPAGE);
	return addr;
}

static void touch(size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		((volatile char *)area)[at] = 1;
}

static void prepare_area(size_t size)
{
	area_size = size;
	area = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch(size);
}

static void prepare_read(size_t size)
{
	prepare_area(size);
	local = malloc(size);
	memset(local, 1, size);
	mem = open("/proc/self/mem", O_RDONLY);
	if (mem < 0)
		die("/proc/self/mem");
}

static void run_read(void)
{
	if (pread(mem, local, area_size, (off_t)(uintptr_t)area) != (ssize_t)area_size)
		die("pread");
}

/* The child only holds a copy of the area; it dies with its parent. */
static void prepare_copy(size_t size)
{
	prepare_area(size);
	local = malloc(size);
	memset(local, 1, size);
	target = fork();
	if (target < 0)
		die("fork");
	if (target == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		touch(size);
		while (1)
			pause();
	}
}

static void run_copy(void)
{
	struct iovec to = { local, area_size }, from = { area, area_size };

	if (process_vm_readv(target, &to, 1, &from, 1, 0) != (ssize_t)area_size)
		die("process_vm_readv");
}

static void fork_and_wait(int touching)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		if (touching)
			touch(area_size);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void run_fork(void)
{
	fork_and_wait(0);
}

static void run_fork_touch(void)
{
	fork_and_wait(1);
}

static void prepare_fault_zero(size_t size)
{
	(void)size;
	prepare_area(FAULT_PAGES * PAGE);
}

static void prepare_fault_cow(size_t size)
{
	char page[PAGE] = { 1 };
	int fd = memfd_create("cow", 0);

	(void)size;
	for (int i = 0; i < FAULT_PAGES; i++)
		if (write(fd, page, PAGE) != PAGE)
			die("write");
	area_size = FAULT_PAGES * PAGE;
	area = map(area_size, MAP_PRIVATE, fd);
}

static void run_fault(void)
{
	madvise(area, area_size, MADV_DONTNEED);
	touch(area_size);
}

/* `count` mappings of one page that cannot merge: every second one is read-only. */
static void prepare_mmap(size_t count)
{
	area_size = count * PAGE;
	area = map(area_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t i = 0; i < count; i += 2)
		if (mprotect(area + i * PAGE, PAGE, PROT_READ))
			die("mprotect");
}

static void run_mmap(void)
{
	/* One of the writable ones, so that it merges with nothing. */
	char *page = area + (area_size / PAGE / 2 | 1) * PAGE;

	munmap(page, PAGE);
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		die("mmap");
}

static const struct {
	const char *name;
	void (*prepare)(size_t size);
	void (*run)(void);
	int operations;
} cases[] = {
	{ "read", prepare_read, run_read, 1 },
	{ "copy", prepare_copy, run_copy, 1 },
	{ "fork", prepare_area, run_fork, 1 },
	{ "fork-touch", prepare_area, run_fork_touch, 1 },
	{ "fault-zero", prepare_fault_zero, run_fault, FAULT_PAGES },
	{ "fault-cow", prepare_fault_cow, run_fault, FAULT_PAGES },
	{ "mmap", prepare_mmap, run_mmap, 1 },
};

static double measure(void (*run)(void), double seconds)
{
	double start = now_ns(), spent;
	long count = 0;

	do {
		run();
		count++;
		spent = now_ns() - start;
	} while (spent < seconds * 1e9);
	return spent / count;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc != 3)
		return 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		cases[i].prepare(strtoull(argv[2], NULL, 10));
		measure(cases[i].run, 0.01);
		while (fgets(line, sizeof(line), stdin)) {
			printf("%.3f\n", measure(cases[i].run, atof(line)) / cases[i].operations);
			fflush(stdout);
		}
		if (target > 0)
			kill(target, SIGKILL);
		return 0;
	}
	return 2;
}
