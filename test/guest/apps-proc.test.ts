// Who reads /proc: ps, top, pmap, free, vmstat, lsof, fuser, pstree; and who asks with ptrace: strace and gdb, inside the
// machine. Each row compares what a program says with what the shell or the kernel's own files say of the same.
import { suite } from 'uvu';

import { type AppRow, expectRows } from './apps.js';

const test = suite('guest/apps-proc');

/** A process p that sleeps, with file 7 and a working directory of its own. */
const SLEEPER = `mkdir d; echo x > d/f; (cd d; exec -a napper sleep 90 7< f) & p=$!; sleep 0.3; `;

const PROGRAM = `cat > a.c <<'END'
#include <stdio.h>
int add(int a, int b) {
  int s = a + b;
  return s;
}
int main(void) {
  int r = 0;
  for (int i = 0; i < 3; i++)
    r = add(r, i);
  printf("%d\\n", r);
  return r;
}
END
  cc -O0 -g -o a a.c; `;

const PROC: AppRow[] = [
  {
    name: 'ps tells state, parent, memory, threads and where it sleeps',
    script: `${SLEEPER} kill -STOP $p; ps -o stat=,nlwp=,wchan:20=,args= -p $p; kill -CONT $p; ps -o stat=,wchan:20=,comm= -p $p; [ $(ps -o ppid= -p $p) = $$ ] && echo parent
      [ $(ps -o rss= -p $p) = $(awk '/VmRSS/{print $2}' /proc/$p/status) ] && echo rss; [ $(ps -o vsz= -p $p) = $(awk '/VmSize/{print $2}' /proc/$p/status) ] && echo vsz; ps -C sleep -o pid= | wc -l; ps -o stat=,comm= -p $$; ps h -o user,nice,pri,tty -p $p; nice -n 5 ps h -o ni -C ps`,
    prints: `T       1 do_signal_stop       napper 90
S    hrtimer_nanosleep    sleep
parent
rss
vsz
1
S    bash
root       0  19 ?
  5
`,
  },
  {
    name: 'top, uptime, vmstat and free agree with meminfo',
    script: `top -b -n 1 -p $$ | sed -n '7,8p' | awk '{print $1 == "PID" || $1 == '$$', $NF}'; uptime | grep -c 'load average: '; vmstat | awk 'NR == 3 {print NF, $3, $15 <= 100}'
      [ $(free | awk '/Mem/{print $2}') = $(awk '/MemTotal/{print $2}' /proc/meminfo) ] && echo total; free -b | awk '/Mem/{print $2 == 1024 * '$(awk '/MemTotal/{print $2}' /proc/meminfo)'}'`,
    prints: `1 COMMAND
1 bash
1
18 0 1
total
1
`,
  },
  {
    name: 'pmap sums up what smaps has, and knows no vsyscall page',
    script: `${SLEEPER} [ $(pmap $p | awk '/total/{print $2}') = $(awk '/VmSize/{print $2}' /proc/$p/status)K ] && echo size; [ $(pmap -x $p | awk '/total/{print $4}') = $(awk '/^Rss/{n += $2} END {print n}' /proc/$p/smaps) ] && echo rss
      pmap -q $p | awk 'NR > 1 {print $3, $4}' | grep -E 'sleep|stack'; pmap -X $p | grep -c libc; grep -c vsyscall /proc/$p/maps; tail -1 /proc/$p/maps | grep -o '.stack.'`,
    prints: `size
rss
r-x-- sleep
r---- sleep
rw--- sleep
3
0
[stack]
`,
  },
  {
    name: 'lsof and fuser find who has a file',
    script: `${SLEEPER} lsof -a -p $p -d cwd,txt,7 -Fftn | grep -v ^p; [ $(fuser d/f 2>&1 | awk '{print $2}') = $p ] && echo found; fuser -v d 2>&1 | awk 'NR == 2 {print $2, $4, $5}'; fuser -k -TERM d/f > /dev/null 2>&1; wait $p; echo $?; exec 5<>/dev/null; lsof -a -p $$ -d 5 -F an | tail -2; (exec 6> gone; rm gone; lsof +L1 -a -d 6 -Fkn | grep -E '^[kn]')`,
    prints: `fcwd
tDIR
n/tmp/d
ftxt
tREG
n/usr/bin/sleep
f7
tREG
n/tmp/d/f
found
root ..c.. sleep
143
au
n/dev/null
k0
n/tmp/gone (deleted)
k0
n/tmp/gone (deleted)
`,
  },
  {
    name: 'pstree, pgrep, pkill and killall find by name',
    script: `sleep 80 & sleep 81 & sleep 0.2; pstree $$ | tr -d ' '; pgrep -c -P $$ sleep; pkill -f '^sleep 81'; wait -n; echo $?; killall -w sleep; wait; pgrep sleep; echo $?; prlimit -p $$ --nofile=64:128; prlimit -p $$ --nofile -o SOFT,HARD --noheadings; ulimit -n`,
    prints: `bash-+-pstree
|-2*[sleep]
\`-tr
2
143
1
64 128
64
`,
  },
  {
    name: 'lsof -i sees who listens and who is connected',
    script: `python3 -c 'import socket, os
s = socket.socket(); s.bind(("127.0.0.1", 700)); s.listen()
c = socket.create_connection(("127.0.0.1", 700)); a, _ = s.accept()
os.system("lsof -nP -a -p %d -i -F n | grep ^n | sed s/:[0-9][0-9][0-9][0-9][0-9]*/:N/g" % os.getpid())'`,
    prints: `n127.0.0.1:700
n127.0.0.1:N->127.0.0.1:700
n127.0.0.1:700->127.0.0.1:N
`,
  },
];

const TRACERS: AppRow[] = [
  {
    name: 'strace follows what a shell starts',
    script: `strace -f -o o -e trace=execve,openat,clone,exit_group -e status=successful sh -c 'cat /etc/hosts | wc -l'; grep -c clone o; grep -o 'execve(.*\\]' o; grep -oE 'openat.*hosts.*' o; grep -c 'exited with 0' o`,
    prints: `2
2
execve("/usr/bin/sh", ["sh", "-c", "cat /etc/hosts | wc -l"]
execve("/usr/bin/cat", ["cat", "/etc/hosts"]
execve("/usr/bin/wc", ["wc", "-l"]
openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = 3
3
`,
  },
  {
    name: 'strace attaches, injects, counts',
    script: `sleep 0.6 & strace -p $! -e trace=none; export LC_ALL=C; strace -e trace=openat -e inject=openat:error=EACCES:when=3 cat /etc/hosts; strace -qq -e signal=USR1 -e trace=kill sh -c 'kill -USR1 $$'; strace -c -e trace=write -U name,calls,errors echo hi > /dev/null; strace --seccomp-bpf -qq -f -e trace=getppid sh -c 'true'; strace -qq -y -e trace=read -P /etc/hosts head -c 3 /etc/hosts`,
    hide: /bash: line.*\n|(?<=getppid\(\) += )\d+|\b0x[0-9a-f]+|(?<=kill\(|Process |si_pid=)\d+/g,
    prints: `strace: Process # attached
+++ exited with 0 +++
openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
openat(AT_FDCWD, "/lib/riscv64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = -1 EACCES (Permission denied) (INJECTED)
cat: /etc/hosts: Permission denied
+++ exited with 1 +++
kill(#, SIGUSR1)                       = 0
--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=#, si_uid=0} ---
+++ killed by SIGUSR1 +++
#syscall              calls    errors
---------------- --------- ---------
write                    1          
---------------- --------- ---------
total                    1          
getppid()                               = #
read(3</etc/hosts>, "127", 3)           = 3
127`,
  },
  {
    name: 'gdb stops at a breakpoint, walks the stack, watches, calls and goes on',
    script: `${PROGRAM} gdb -q -nx -batch -ex 'break add if a == 1' -ex run -ex bt -ex 'p a + b' -ex finish -ex 'watch r' -ex c -ex 'p add(20, 22)' -ex 'set var r = 9' -ex 'delete' -ex c ./a`,
    hide: /\(process \d+\)|0x[0-9a-f]{16}/g,
    prints: `Breakpoint 1 at 0x67c: file a.c, line 3.
[Thread debugging using libthread_db enabled]
Using host libthread_db library "/lib/riscv64-linux-gnu/libthread_db.so.1".

Breakpoint 1, add (a=1, b=2) at a.c:3
3\t  int s = a + b;
#0  add (a=1, b=2) at a.c:3
#1  # in main () at a.c:9
$1 = 3
# in main () at a.c:9
9\t    r = add(r, i);
Value returned is $2 = 3
Watchpoint 2: r

Watchpoint 2: r

Old value = 1
New value = 3
main () at a.c:8
8\t  for (int i = 0; i < 3; i++)
$3 = 42
9
[Inferior 1 # exited with code 011]
`,
  },
  {
    name: 'gdb attaches, makes a core of it without a complaint, and reads that again',
    script: `echo 'int sleep(int); int main(void) { for (;;) sleep(1); }' | cc -g -w -xc -o b -; ./b & sleep 0.5; gdb -q -nx -batch -p $! -ex 'gcore c' -ex detach > told 2>&1; grep -iE 'saved|warning: mem' told; kill -0 $! && echo lives; gdb -q -nx -batch -ex bt ./b c 2>&1 | grep -o 'in main () at.*'; kill -ABRT $!; wait $!; echo $?`,
    hide: /bash: line.*\n/,
    prints: `Saved corefile c
lives
in main () at <stdin>:1
#134
`,
  },
];

expectRows(test, 'guest/apps-proc', [...PROC, ...TRACERS]);

test.run();
