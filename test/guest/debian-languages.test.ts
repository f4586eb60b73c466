// Interpreters of Debian's riscv64: Python, Perl, Lua, SQLite, jq and bc print here what they print under qemu.
import { suite } from 'uvu';

import { type CommandRow, compareRows } from './sysroot.js';

const test = suite('guest/debian-languages');

const PYTHON: Readonly<Record<string, string>> = {
  'big integers, floats, sorting': `
import sys, math
print(2**521 - 1, math.factorial(60), pow(3, 10**6, 10**9 + 7), -7 // 2, divmod(10**30, 7**20))
print(0.1 + 0.2, 1e308 * 10, float("nan"), math.sin(1), math.gamma(5.5), round(2.675, 2), (0.1).hex())
print(sorted([3, 1, 2], key=lambda x: -x), {x % 7 for x in range(50)}, [*zip("abc", range(3))])
print("é".encode(), "%08.3f|%-5s|%x" % (3.14159, "ab", 255), f"{1234567.891:,.2f}", sys.byteorder, sys.maxsize)
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
print(f(17)); print(sum(i * i for i in range(100000)))`,
  'json, re, hashlib-free modules': `
import json, re, collections, itertools, struct, time, os, io
d = json.loads('{"a": [1, 2.5, null, true, "x\\\\u00e9"], "b": {"c": -1e3}}')
print(json.dumps(d, sort_keys=True, indent=1)); print(re.findall(r"(\\w)(\\d+)", "a1 b22 c333"))
print(collections.Counter("mississippi").most_common(2), list(itertools.permutations("abc"))[:3])
print(struct.pack("<IHd", 1, 2, 3.5).hex(), time.gmtime(0).tm_year, os.path.join("a", "b"), os.getpid() > 0)
try: json.loads("{bad")
except ValueError as e: print("error", e)`,
  'files and processes': `
import os, subprocess, sys, tempfile, signal
with open("f", "w") as f: f.write("line\\n" * 1000)
print(os.stat("f").st_size, len(open("f").readlines())); os.rename("f", "g"); print(os.listdir("."))
print(subprocess.run(["tr", "a-z", "A-Z"], input=b"shout", capture_output=True).stdout)
print(subprocess.run("echo $0; exit 3", shell=True).returncode)
r, w = os.pipe(); pid = os.fork()
if pid == 0:
    os.write(w, b"child"); os._exit(7)
print(os.read(r, 10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
def handler(n, frame): print("signal", n); 
signal.signal(signal.SIGALRM, handler); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
p = subprocess.Popen(["sleep", "9"]); p.terminate(); print(p.wait()); sys.exit(5)`,
  threads: `
import threading, queue, concurrent.futures as cf, time
total, lock, q = 0, threading.Lock(), queue.Queue()
def work():
    global total
    for _ in range(2000):
        with lock: total += 1
ts = [threading.Thread(target=work) for _ in range(5)]
[t.start() for t in ts]; [t.join() for t in ts]; print(total)
t = threading.Thread(target=lambda: [q.put(i) for i in range(5)]); t.start(); print([q.get(timeout=5) for _ in range(5)]); t.join()
with cf.ThreadPoolExecutor(3) as ex: print(list(ex.map(lambda x: x * x, range(8))))
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(5)); print(threading.active_count())`,
  'recursion and exceptions': `
import sys
sys.setrecursionlimit(20000)
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
print(deep(15000))
try:
    sys.setrecursionlimit(100); deep(1000)
except RecursionError as e: print("RecursionError")
try: 1 / 0
except ZeroDivisionError as e: print(e)
class A:
    def __del__(self): print("gone")
a = A(); del a
g = (i for i in range(3)); print(next(g), list(g)); raise SystemExit("the end")`,
  'mmap, sockets, select': `
import mmap, socket, select, os
m = mmap.mmap(-1, 8192); m[:5] = b"hello"; print(m[:5], m.find(b"lo")); m.close()
open("f", "wb").write(b"x" * 5000); f = open("f", "r+b"); m = mmap.mmap(f.fileno(), 0); m[4999] = 65; m.flush(); print(open("f", "rb").read()[-2:])
a, b = socket.socketpair(); a.send(b"ping"); print(select.select([b], [], [], 1)[0] == [b], b.recv(10)); a.close(); print(b.recv(1))
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect("sock"); d, _ = s.accept(); c.send(b"hi"); print(d.recv(2))
e = select.epoll(); e.register(d, select.EPOLLIN); print(e.poll(0.01)); c.send(b"x"); print([(fd == d.fileno(), ev) for fd, ev in e.poll(1)])
print(len(os.urandom(16)), os.cpu_count() > 0, open("/proc/self/comm").read().strip() in ("python3", "qemu-riscv64"))`,
};

const SQL = `create table t(a integer primary key, b text, c real); with recursive n(i) as (select 1 union all select i+1 from n where i < 2000) insert into t select i, 'row ' || i, i * 0.5 from n;
select count(*), sum(c), max(b) from t; select b from t where a % 500 = 0 order by c desc; create index x on t(b); explain query plan select * from t where b = 'row 7'; begin; delete from t where a > 10; select count(*) from t; rollback; select count(*) from t; select json_extract('{"a":[1,2]}', '$.a[1]'), hex(zeroblob(4)), printf('%.3f', 2.0/3), upper('x'), date(0, 'unixepoch'); select group_concat(a, '-') from (select a from t limit 5); select a, row_number() over (order by b) from t limit 3; select nothing;`;

const PERL = `use strict; my %h; $h{length $_}++ for qw(a bb cc ddd); print join(",", map {"$_=$h{$_}"} sort keys %h), "\\n"; my $s = "The quick brown fox"; (my $t = $s) =~ s/(\\w+)/\\u\\L$1/g; print "$t\\n"; print scalar reverse("abc"), "\\n"; printf "%.10g %s %x\\n", 1/3, 2**62, 255; print join(" ", sort { $b <=> $a } map { $_ * $_ } 1..8), "\\n"; sub f { my $n = shift; $n < 2 ? $n : f($n-1) + f($n-2) } print f(16), "\\n"; my $pid = fork; if (!$pid) { print "child\\n"; exit 3 } waitpid $pid, 0; print $? >> 8, "\\n"; open my $p, "-|", "echo from a pipe" or die; print <$p>; close $p; local $SIG{ALRM} = sub { print "alarm\\n" }; alarm 1; select undef, undef, undef, 3; print "x" =~ /^\\p{L}$/ ? "letter\\n" : "no\\n"; my $b = pack "NnC", 1, 2, 3; print unpack("H*", $b), "\\n"; eval { die "caught\\n" }; print $@; print "@{[sprintf '%vd', '1.22.333']}\\n"; exit 9`;

const LUA = `local t = {} for i = 1, 10 do t[i] = i * i end print(table.concat(t, " "), #t, 7 // 2, 2^53, 10 / 3, 1 << 62) print(("hello"):gsub("l", "L"), string.format("%5.2f %q %x", 3.14159, "a\\n", 255)) local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co()) print(pcall(error, "oops")) print(math.maxinteger + 1 == math.mininteger, math.floor(-3.5), string.rep("ab", 3, "-")) local f = io.open("x", "w") f:write("line\\n") f:close() for l in io.lines("x") do print(l) end print(io.popen("echo piped"):read()) local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end print(fib(20)) print(select("#", table.unpack({1, 2, 3}))) for k, v in string.gmatch("a=1, b=2", "(%w+)=(%w+)") do print(k, v) end print(os.date("!%Y", 0), os.getenv("HOME")) setmetatable(t, { __gc = function() print("collected") end }) goto done print("not") ::done:: os.exit(4)`;

const rows: CommandRow[] = [
  ...Object.entries(PYTHON).map(([name, script]) => {
    return { name: `python3: ${name}`, argv: ['python3', '-S', '-c', script] };
  }),
  { name: 'sqlite3', argv: ['sqlite3', ':memory:', SQL] },
  {
    name: 'sqlite3 with a file',
    argv: [
      'bash',
      '-c',
      `sqlite3 f.db 'pragma journal_mode=wal; create table t(x); insert into t values(1),(2)'; sqlite3 f.db 'select sum(x) from t; pragma integrity_check'; ls; stat -c %s f.db`,
    ],
  },
  { name: 'perl', argv: ['perl', '-e', PERL] },
  { name: 'lua', argv: ['lua5.4', '-e', LUA] },
  {
    name: 'jq',
    argv: [
      'jq',
      '-c',
      '.a[] | {v: ., sq: (. * .)}, ([range(5)] | add), ("x" * 3), (now > 0), ({} | .a.b = 1), (try error("e") catch .), ("a,b" | split(",")), @base64 "x\\(1)"',
    ],
    stdin: '{"a": [1, 2.5, 1e3]}',
  },
  {
    name: 'bc',
    argv: ['bc', '-l'],
    stdin:
      'scale=50\n4*a(1)\ne(1)\n2^200\nsqrt(2)\ndefine f(n) { if (n < 2) return (1); return (n * f(n-1)); }\nf(40)\nfor (i = 0; i < 5; i++) i^3\nobase=16\n255\n1/0\n',
  },
  {
    name: 'procmem run python3',
    argv: ['python3', '-c', 'import sys; print(sys.stdin.read()[::-1]); sys.exit(3)'],
    stdin: 'abc',
    cli: true,
  },
];
compareRows(test, 'guest/debian-languages', rows);

test.run();
