// Debian's dash and bash: scripts with processes of their own print here what they print under qemu.
import { suite } from 'uvu';

import { type CommandRow, compareRows } from './sysroot.js';

const test = suite('guest/debian-shells');

const DASH: Readonly<Record<string, string>> = {
  'primes and fibonacci': `n=2; while [ $n -lt 60 ]; do d=2; p=1; while [ $((d*d)) -le $n ]; do [ $((n%d)) = 0 ] && p=0 && break; d=$((d+1)); done; [ $p = 1 ] && printf '%s ' $n; n=$((n+1)); done; echo
    f() { [ $1 -lt 2 ] && echo $1 && return; echo $(($(f $(($1-1))) + $(f $(($1-2))))); }; f 8`,
  'pipes of many processes': `seq 1 300 | while read x; do echo $((x*x)); done | sort -n | tail -2; (echo a; (echo b; (echo c))) | cat | cat | cat; { echo out; echo err >&2; } 2>&1 >/dev/null | sed s/^/got:/`,
  'here-documents and substitution': `x=world; cat <<E
hello $x $(echo nested) \\$x
E
    cat <<-E
	tabs go
	E
    while read a b; do echo "$b-$a"; done <<E
1 2
3 4 5
E
    echo "$(cat <<E
inner
E
)"`,
  'options and errors': `set -eu; f() { false; echo not reached; }; (f) || echo failed; set +e; (set -e; false; echo no); echo $?; (unset u; echo $u) 2>/dev/null; echo $?; set -f; echo *; set +f; (readonly r=1; r=2) 2>/dev/null; echo $?; command -v cd ls nothing; echo $?; . /nothing; echo unreached`,
  'traps and signals': `trap 'echo got HUP' HUP; kill -HUP $$; (trap 'echo child; exit 3' TERM; while :; do sleep 0.05; done) & p=$!; sleep 0.5; kill $p; wait $p; echo $?; trap 'echo end $?' 0; dash -c 'kill -ABRT $$' ; echo $?; exit 6`,
  'getopts, eval, read, ulimit': `while getopts ab:c o -a -b val -c rest; do echo "$o $OPTARG $OPTIND"; done; v='x=5; echo $x'; eval "$v"; echo 'a:b:c' | { IFS=: read p q; echo "$p|$q"; }; ulimit -n 64; ulimit -n; ulimit -c; times | wc -l; type cd; hash; printf '%s\\n' "$PPID" | grep -c .`,
  descriptors: `exec 3>f 4<&0; echo to3 >&3; exec 3>&-; cat f; exec <f; read l; echo "$l"; exec 0<&4; (exec 9>&1; echo nine >&9); (echo x >&-) 2> /dev/null; echo $?; cat /dev/null; (echo full > /dev/full) 2> /dev/null; echo $?; head -c 8 /dev/zero | od -An -tx1; head -c 16 /dev/urandom | wc -c`,
  'fifo between processes': `mkfifo p q; (read x < p; echo "back $x" > q) & echo forth > p; cat q; wait; rm p q; ls`,
};

const BASH: Readonly<Record<string, string>> = {
  arrays: `a=(one two 'three four'); echo \${#a[@]} \${a[2]} \${a[@]:1:1} \${!a[@]}; a+=(five); a[10]=ten; echo "\${!a[@]}"; unset 'a[0]'; for x in "\${a[@]}"; do echo "<$x>"; done; declare -A m=([k]=v [x y]=z); for k in "\${!m[@]}"; do echo "$k=\${m[$k]}"; done | sort; mapfile -t l < <(seq 3); echo "\${l[*]}"; readarray -d : -t r <<< 'p:q:r'; echo "\${r[1]}"; echo \${a[-1]}`,
  'process substitution': `diff <(seq 1 5) <(seq 2 6); cat <(echo a) <(echo b); tee >(wc -l > n) < <(seq 7) > /dev/null; sleep 0.5; cat n; while read x; do ((s+=x)); done < <(seq 100); echo $s; paste <(echo 1) <(echo 2)`,
  'here-strings and expansion': `cat <<< "a string"; x=hello; echo \${x^} \${x^^} \${x:1:3} \${x/l/L} \${x//l/L} \${#x} \${x@Q}; echo {1..5} {a..e..2} {x,y}{1,2}; echo \${!x@} >/dev/null; printf -v v '%03d' 7; echo $v; echo $'tab\\there' "\${nothing:-def}"; IFS=,; set -- a b c; echo "$*"; [[ abc =~ ^a(.)c$ ]] && echo \${BASH_REMATCH[1]}; shopt -s extglob nullglob; echo *.none; case foobar in foo@(bar|baz)) echo ext;; esac; printf '%(%Y-%m-%d)T\\n' 0`,
  arithmetic: `((x = 5, y = x++ * 2)); echo $x $y $((2**62)) $((-17 / 5)) $((-17 % 5)) $((1 << 63)) $((16#ff)) $((x > 3 ? 1 : 0)); for ((i = 0; i < 3; i++)); do printf '%d ' $i; done; echo; let z=7*6; echo $z; echo $((9223372036854775807 + 1)); a=10; b=3; echo $((a & b)) $((a | b)) $((a ^ b)) $((~a)); ((0)) || echo zero; echo $((1/0)); echo not reached`,
  'jobs and coprocesses': `coproc { while read x; do echo "got $x"; done; }; echo hi >&\${COPROC[1]}; read y <&\${COPROC[0]}; echo $y; eval "exec \${COPROC[1]}>&-"; wait; sleep 0.1 & jobs | cut -c1-13; wait -n; echo $?; (exit 4) & wait $!; echo $?; set -o pipefail; false | true; echo $?; echo \${PIPESTATUS[@]}; timeout 0.3 sleep 10; echo $?; kill -l 11; time true 2>/dev/null; disown -a; ulimit -f`,
  'functions and traps': `f() { local -n ref=$1; ref=changed; caller 0 | cut -d' ' -f2; }; v=x; f v; echo $v; trap 'echo ERR at $LINENO' ERR; false; trap - ERR; g() { trap 'echo returning' RETURN; echo in g; }; g; trap 'echo got INT' INT; kill -INT $$; trap 'echo DEBUG' DEBUG; :; trap - DEBUG; h() { ((n++ < 50)) && h; }; h; echo $n; bash -c 'kill -SEGV $$'; echo $?; (ulimit -v 100; true); declare -f h; exec 5< /etc/passwd; read -u 5 -r line; echo "$line"; read -t 0.1 -r z < <(sleep 2); echo $?`,
  'a sort in the shell': `sortit() { local i j t n=$#; local a=("$@"); for ((i=0;i<n;i++)); do for ((j=0;j<n-1-i;j++)); do if ((a[j] > a[j+1])); then t=\${a[j]}; a[j]=\${a[j+1]}; a[j+1]=$t; fi; done; done; echo "\${a[@]}"; }; RANDOM=42; l=(); for i in {1..40}; do l+=($((RANDOM % 1000))); done; sortit "\${l[@]}"; echo \${#BASH_VERSION}; hash -r; s=; for i in {1..2000}; do s+=x; done; echo \${#s}; echo "$s" | md5sum`,
  'select, printf, read': `select x in a b; do echo "chose $x"; break; done <<< 2 2>/dev/null; printf '%q %s\\n' 'a b' c; read -a w <<< 'p q r'; echo \${w[1]}; read -n 3 c <<< abcdef; echo $c; read -d, e <<< 'x,y'; echo $e; type -t if cd ls nothing; compgen -A builtin | wc -l; help true | head -1; enable -n echo; echo external; pushd / > /dev/null; dirs; popd > /dev/null; umask -S; builtin echo; [ -v HOME ]; echo $?; [[ -o pipefail ]]; echo $?; echo $SHLVL; test /etc/passwd -ef /etc/passwd; echo $?`,
};

const rows: CommandRow[] = [
  ...Object.entries(DASH).map(([name, script]) => {
    return { name: `dash: ${name}`, argv: ['dash', '-c', script] };
  }),
  ...Object.entries(BASH).map(([name, script]) => {
    return { name: `bash: ${name}`, argv: ['bash', '-c', script] };
  }),
  {
    name: 'dash: a script on its input',
    argv: ['dash'],
    stdin: 'x=1\nwhile read y; do echo $((y+x)); done\n1\n2\n',
  },
  {
    name: 'procmem run bash',
    argv: ['bash', '-c', 'cat; ls /usr/bin | wc -l; exit 42'],
    stdin: 'from outside\n',
    cli: true,
  },
];
compareRows(test, 'guest/debian-shells', rows);

test.run();
