/* The layout of files in /proc, with what differs from run to run masked: "#" is a number, "#8" one
 * padded to eight columns. proc-format.txt is what Linux 6.18 prints.
 * Build: cc -O1 -Wall -o proc-format proc-format.c */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static int is_hex(char c) { return isdigit((unsigned char)c) || (c >= 'a' && c <= 'f'); }

/* Prints a line with its numbers, hexadecimal ones too, masked. */
static void print_masked(const char *line) {
  for (const char *p = line; *p;) {
    const char *digits = p;
    while (*digits == ' ') digits++;
    const char *end = digits;
    int decimals = 0;
    while (is_hex(*end)) decimals += isdigit((unsigned char)*end++) != 0;
    int alone = p == line || (!isalnum((unsigned char)p[-1]) && p[-1] != '_');
    if (decimals == 0 || isalpha((unsigned char)*end) || (digits == p && !alone)) {
      putchar(*p++);
      continue;
    }
    if (digits - p > 1) printf("#%d", (int)(end - p));
    else printf("%s#", digits > p ? " " : "");
    p = end;
  }
}

/* The lines about this machine's processors: their values differ in form too. */
static int is_of_cpu(const char *line) {
  return !strncmp(line, "Speculat", 8) || !strncmp(line, "Cpus_", 5) || !strncmp(line, "Mems_", 5);
}

/* A line that only processors with pages of 1 GiB have. */
static int is_of_some(const char *line) { return !strncmp(line, "DirectMap1G", 11); }

static void show(const char *path) {
  FILE *file = fopen(path, "r");
  char line[4096];
  printf("== %s\n", path);
  while (file && fgets(line, sizeof line, file)) {
    if (is_of_some(line)) continue;
    if (is_of_cpu(line)) *strchr(line, ':') = '\n', strchr(line, '\n')[1] = 0;
    print_masked(line);
  }
  if (file) fclose(file);
}

/* limits: the name, and what stands behind the two values. */
static void show_limits(void) {
  FILE *file = fopen("/proc/self/limits", "r");
  char line[256];
  printf("== /proc/self/limits\n");
  while (file && fgets(line, sizeof line, file)) printf("%.26s|%s", line, line + 68);
  if (file) fclose(file);
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  if (setgroups(0, NULL)) return 1;
  prctl(PR_SET_NAME, "format");
  int fd = memfd_create("x", 0);
  if (dup2(fd, 100) < 0 || write(100, "abc", 3) != 3) return 1;
  show("/proc/self/status");
  show("/proc/self/stat");
  show("/proc/self/statm");
  show("/proc/self/io");
  show("/proc/self/smaps_rollup");
  show("/proc/self/fdinfo/100");
  show("/proc/self/uid_map");
  show("/proc/self/setgroups");
  show("/proc/self/comm");
  show("/proc/self/personality");
  show("/proc/self/oom_score_adj");
  show("/proc/self/coredump_filter");
  show("/proc/self/timerslack_ns");
  show("/proc/self/sched");
  show("/proc/self/schedstat");
  show("/proc/self/ksm_stat");
  show_limits();
  show("/proc/meminfo");
  show("/proc/uptime");
  show("/proc/sys/kernel/ostype");
  show("/proc/sys/kernel/pid_max");
  show("/proc/sys/vm/max_map_count");
  return 0;
}
