// Debian's static busybox: its applets and its shell print here what they print under qemu.
import { suite } from 'uvu';

import { type CommandRow, compareRows } from './sysroot.js';

const test = suite('guest/debian-busybox');

/** Each script is run by `busybox sh`, whose applets run in it or are executed by it. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'ls -l': `mkdir -p d/e; printf 12345 > d/f; ln -s f d/l; ln d/f d/h; chmod 4751 d/f; chmod 1777 d/e
    touch -d '2001-02-03 04:05:06' d/f d/e d; ls -l d/f d/h; ls -a d; ls -R d; ls -F d; ls -i d | wc -l`,
  'cat, tac, rev, nl': `printf 'one\\ntwo\\n\\nthree' > f; cat f f; cat -n f; cat -e f; tac f; rev f; nl f; cat - f < f`,
  sort: `seq 1 30 | sort; seq 1 30 | sort -n -r; printf 'b 2\\na 10\\nc 1\\na 10\\n' > f; sort -k2n f; sort -u f; sort -t' ' -k1,1 -k2nr f; sort -c f; echo $?`,
  wc: `seq 1 1000 > f; wc f; wc -l < f; wc -c f; wc -w f; printf 'no newline' | wc`,
  'head, tail': `seq 1 100 > f; head -n 3 f; head -c 7 f; tail -n 3 f; tail -n +98 f; tail -c 5 f; head -n -97 f`,
  'tr, cut, paste, fold': `seq 1 5 | tr '\\n' ,; echo; echo Hello | tr a-zA-Z n-za-mN-ZA-M; echo aabbcc | tr -s a-c; echo abc | tr -d b
    printf 'a:b:c\\nd:e:f\\n' > f; cut -d: -f2 f; cut -c1,3 f; cut -d: -f1,3 f; seq 1 6 | paste - - -; echo abcdefghij | fold -w 4`,
  grep: `printf 'apple\\nBanana\\ncherry pie\\n' > f; grep an f; grep -i BAN f; grep -v a f; grep -c p f; grep -n 'p.*e' f; grep -E '^(apple|ch)' f; grep -o 'p.' f; grep -q nothing f; echo $?; grep -rl apple .; grep -F . f; echo $?`,
  sed: `seq 1 10 > f; sed -n '3,5p' f; sed '/[2-8]/d' f; sed 's/1/<&>/g;y/23/ab/' f; sed -e '2i\\' -e before -e '$a\\' -e after f; sed -n '$=' f; sed -i 's/^/x/' f; head -2 f; echo 'a b' | sed -E 's/(.) (.)/\\2 \\1/'; sed ':a;N;$!ba;s/\\n/-/g' f`,
  awk: `seq 1 10 | awk '{s+=$1; q+=$1*$1} END {print s, q, s/NR}'; printf 'a 1\\nb 2\\na 3\\n' | awk '{t[$1]+=$2} END {for (k in t) print k, t[k]}' | sort
    awk 'function f(n) { return n < 2 ? n : f(n-1) + f(n-2) } BEGIN { print f(18); printf "%5.2f|%-5s|%05d|%x\\n", 3.14159, "ab", 42, 255; print substr("hello", 2, 3), index("hello", "l"), length("hello"), toupper("abc"), sprintf("%c", 65); print sin(1), exp(1), log(10), sqrt(2), int(-3.7), 2^10 }'
    echo 'a,b;c' | awk -F'[,;]' '{print $3 $2 $1; gsub(/b/, "[&]"); print; n = split($0, p, ""); print n}'`,
  find: `mkdir -p a/b/c a/d; echo x > a/b/f.c; echo yy > a/d/g.h; : > a/b/c/empty; find a | sort; find a -type d | sort; find a -name '*.c'; find a -size -2c -type f | sort; find a -type f -name '*.[ch]' -exec cat {} + | sort; find a -empty; find a -maxdepth 1 | sort; find a -name '*.h' -print0 | xargs -0 ls`,
  pipes: `seq 1 1000 | grep 7 | sort -rn | head -5; yes | head -3; echo a | (cat; echo b) | tr ab xy; (echo 1; echo 2 >&2) 2>&1 | sort; false | true; echo $?; ! true; echo $?; seq 1 200000 | tail -1; dd if=/dev/zero bs=1k count=300 2>/dev/null | wc -c`,
  redirections: `echo a > f; echo b >> f; cat < f; cat <<E
here $((6*7))
E
    cat <<'E'
not $here
E
    exec 3> g; echo three >&3; exec 3>&-; cat g; ls nothing 2> err; echo $?; wc -l < err; { echo 1; echo 2; } > h; cat h; : > h; wc -c h; echo x 1<> h; cat h; set -C; echo y > h; echo $?`,
  loops: `for i in 1 2 3; do echo $i; done; i=0; while [ $i -lt 3 ]; do i=$((i+1)); [ $i = 2 ] && continue; echo w$i; done; until [ $i = 0 ]; do i=$((i-1)); done; echo $i
    case abc in a?c) echo match;; *) echo no;; esac; for f in /etc/pass* /nothing*; do echo "$f"; done; for i in 1 2 3; do for j in 1 2 3; do [ $j = 2 ] && continue 2; echo $i$j; done; done; seq 1 3 | while read x; do echo "<$x>"; done`,
  functions: `f() { local x=$1; shift; echo "$x:$#:$*"; return 3; }; f a b c; echo $?; fact() { if [ $1 -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1-1))))); fi; }; fact 6
    set -- a 'b c' d; echo $#; for x in "$@"; do echo "[$x]"; done; echo \${1}\${#2}; v=file.tar.gz; echo \${v%.*} \${v%%.*} \${v#*.} \${v##*.} \${u:-default} \${v/tar/zip}; echo $(( (1<<10) | 5 )) $((17 % 5)) $((-7 / 2)) $((0x1f))`,
  traps: `trap 'echo bye' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; trap '' TERM; kill -TERM $$; echo alive; (trap 'echo sub; exit 4' INT; kill -INT $(sh -c 'echo $PPID'); echo never); echo $?; trap - TERM; sh -c 'kill -TERM $$'; echo $?; sh -c 'kill -KILL $$' ; echo $?`,
  subshells: `x=1; (x=2; echo $x; cd /; pwd; exit 7); echo $? $x; pwd; y=$(echo in; exit 5); echo $? $y; echo \`echo \\\`echo deep\\\`\`; (exit 3) || echo failed $?; umask 077; (umask 022; umask); umask`,
  'background and wait': `sleep 0.2 & a=$!; (exit 9) & b=$!; wait $b; echo $?; wait $a; echo $?; (sleep 0.1; echo late) & echo early; wait; for i in 1 2 3 4; do (echo $i) & wait $!; done; (sleep 5) & kill $!; wait $!; echo $?`,
  tar: `mkdir -p t/u; seq 1 500 > t/a; echo b > t/u/b; ln -s a t/l; chmod 640 t/a; tar cf x.tar t; tar tf x.tar | sort; rm -r t; tar xf x.tar; wc -l t/a; readlink t/l; stat -c %a t/a; tar czf y.tgz t; tar tzf y.tgz | sort; tar c t | tar x -C /tmp -f - ; echo $?`,
  'gzip, bzip2, xz': `seq 1 5000 > f; gzip -k f; zcat f.gz | md5sum; gunzip -t f.gz; echo $?; gzip < f | gzip -d | cmp - f; echo $?; bzip2 -k f; bzcat f.bz2 | md5sum; rm f; gunzip f.gz; md5sum f; echo garbage > g.gz; gunzip g.gz; echo $?`,
  sums: `seq 1 20000 > f; md5sum f; sha1sum f; sha256sum f; sha512sum f; cksum f; crc32 f; md5sum f > s; md5sum -c s; echo x >> f; md5sum -c s; echo $?`,
  'dd, od, xxd, hexdump, cmp': `seq 1 300 > f; dd if=f of=g bs=7 skip=3 count=11 2>/dev/null; cat g; dd if=f of=g bs=1 seek=5 count=3 conv=notrunc 2>/dev/null; od -c g | head -3; od -An -tx1 g | head -2; xxd g | head -2; hexdump -C g | head -2; cmp f g; echo $?; dd if=/dev/zero of=h bs=1M count=3 2>/dev/null; wc -c h; truncate -s 100 h; wc -c h; dd if=f bs=10 count=1 2>/dev/null | od -x`,
  'seq, expr, test, printf': `seq 5 -2 1; seq 0.5 0.25 1.5; seq -w 8 11; expr 6 \\* 7; expr hello : 'h\\(.*\\)o'; expr 1 \\> 2; echo $?; [ -d /usr ] && [ ! -e /nothing ] && [ abc != abd ] && [ 3 -gt 2 ] && echo yes; [ -x /usr/bin/busybox -a -r /etc/passwd ]; echo $?
    printf '%s %d %5.1f %x %o %c %%|%-6s|%06d\\n' str 42 3.14159 255 8 char left 77; printf '%b' 'a\\tb\\n'; printf '%s,' a b c; echo; printf '%d\\n' 0x1F 010 "'A"; test -t 0; echo $?`,
  'xargs, env, which': `seq 1 10 | xargs -n 3 echo; printf 'a b\\nc\\n' | xargs -I{} echo '<{}>'; echo 1 2 3 | xargs; env -i A=1 B=2 env | sort; A=5 env | grep ^A=; env -u HOME sh -c 'echo [$HOME]'; which sh awk; seq 3 | xargs -n1 sh -c 'exit $0'; echo $?`,
  'cp, mv, rm, ln, stat': `echo hi > a; cp a b; mv b c; cat c; mkdir d; mv c d; cp -r d e; ls e; rm -r d; ls d; echo $?; ln -s a s; readlink s; cat s; ln a h; stat -c '%h %s %F %a %u' a s; rm a; cat s; echo $?; cat h; mkfifo p; (echo through > p) & cat p; ls -l p | cut -c1-10; rmdir e; echo $?; rm -f nothing; echo $?; cp -p h i; cmp h i; realpath s; basename /a/b.c .c; dirname /a/b`,
  'date, cal, time': `date -u -d @0; date -u -d @1700000000 '+%Y-%m-%dT%H:%M:%S %j %a %U'; date -u -d '2024-02-29 12:00' +%s; cal 2 2024; TZ=EST5EDT date -d @1700000000 '+%H:%M %Z'`,
  'ps, id, uname': `uname -sm; id -u; [ -n "$(ps | grep 'busybox\\|sh')" ] && echo ps; echo $$ | grep -c '^[0-9]*$'; nproc > n; test -s n; echo $?; hostname > h; wc -l < h`,
  'diff, patch, comm': `seq 1 10 > a; sed 's/5/five/;7d' a > b; diff a b; echo $?; diff -u a b | tail -n +3; diff -u a b > p; patch a p; cmp a b; echo $?; comm a b | head -3; printf 'x\\ny\\n' | uniq -c; split -l 3 b part; ls part*; cat part* | cmp - b`,
  'base64, uuencode, strings': `seq 1 50 | base64; seq 1 50 | base64 | base64 -d | md5sum; printf '\\001\\002hello world\\003' | strings; uuencode -m x < /etc/passwd; shuf -i 1-5 | sort; printf 'a\\tb' | expand; factor 1234567890 97; echo hello | sha3sum`,
  'vi and ed scripts': `printf 'a\\none\\ntwo\\nthree\\n.\\n2s/two/TWO/\\n1,2p\\nw f\\nq\\n' | ed; cat f; printf 'x\\n' | bc 2>&1; echo '2 3 + p' | dc`,
  'missing programs and signals': `nothing; echo $?; /etc/passwd; echo $?; sh -c 'exit 300'; echo $?; sh -c 'kill -SEGV $$'; echo $?; mkdir /proc/x; echo $?; cat /; echo $?; exec nothing`,
};

const rows: CommandRow[] = Object.entries(SCRIPTS).map(([name, script]) => {
  return { name, argv: ['busybox', 'sh', '-c', script] };
});
compareRows(test, 'guest/debian-busybox', [
  ...rows,
  { name: 'cat of its input', argv: ['busybox', 'cat'], stdin: 'a\nb\n\0c' },
  {
    name: 'a script on its input',
    argv: ['busybox', 'sh'],
    stdin: 'echo one\nread x\ntwo\necho $x\nexit 5\n',
  },
  {
    name: 'procmem run busybox sh',
    argv: ['busybox', 'sh', '-c', 'echo $0 $1; cat; exit 9', 'a', 'b c'],
    stdin: 'in',
    cli: true,
  },
]);

test.run();
