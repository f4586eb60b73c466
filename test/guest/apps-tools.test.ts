// Larger programs of Debian's riscv64 at work on files: git, make and gcc, vim, rsync, gpg, openssl, ssh-keygen and
// those that pack. Each row's output is the same on a computer; the hashes of git's commits are.
import { suite } from 'uvu';

import { type AppRow, expectRows } from './apps.js';

const test = suite('guest/apps-tools');

const GIT = `export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
  git config --global user.email a@example.com; git config --global user.name A; git config --global init.defaultBranch main
  git init -q a; cd a; echo one > f; git add f; git commit -qm first; echo two >> f; `;

/** A program of two files; add() is in the second. */
const SOURCES = `cat > main.c <<'END'
#include <stdio.h>
int add(int, int);
int main(void) { for (int i = 0; i < 3; i++) printf("%d\\n", add(i, 2)); return 5; }
END
  echo 'int add(int a, int b) { return a + b; }' > add.c
  printf 'prog: main.o add.o\\n\\t$(CC) -o $@ $^\\nclean:\\n\\trm -f *.o\\n' > Makefile; `;

const THREADS = `cat > t.c <<'END'
#include <pthread.h>
#include <stdio.h>
static _Atomic int n;
static void *run(void *arg) { for (int i = 0; i < 1000; i++) n++; return arg; }
int twice(int);
int main(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, run, 0);
  for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
  printf("%d\\n", twice(n));
}
END
`;

const rows: AppRow[] = [
  {
    name: 'git commits, merges and blames',
    script: `${GIT} git diff; git commit -qam second; git checkout -qb side HEAD~; echo three > g; git add g; git commit -qm third; git checkout -q main
      git merge -qm merged side; git log --graph --format='%h %s'; git blame -s f; git tag v1; git describe --always; git status -sb; ls`,
    prints: `diff --git a/f b/f
index 5626abf..814f4a4 100644
--- a/f
+++ b/f
@@ -1 +1,2 @@
 one
+two
*   6f290c1 merged
|\\  
| * 9b3e53e third
* | 4e1f7fb second
|/  
* 8a5e2e0 first
^8a5e2e0 1) one
4e1f7fb4 2) two
6f290c1
## main
f
g
`,
  },
  {
    name: 'git clones, pushes, packs',
    script: `${GIT} git commit -qam second; git clone -q file:///tmp/a ../b; cd ../b; git log --format=%h; echo x >> f; git commit -qam pushed; git push -q origin HEAD:refs/heads/new
      git gc -q; git fsck; git bundle create -q ../x.bundle --all; git -C ../a branch -a; git archive HEAD | tar t; git worktree add -q --detach ../w HEAD~; cat ../w/f; git grep -n two`,
    prints: `4e1f7fb
8a5e2e0
* main
  new
f
one
two
f:2:two
`,
  },
  {
    name: 'make and gcc build, and build again what changed',
    script: `${SOURCES} make; ./prog; echo $?; make; touch add.c; make CFLAGS=-O2; ./prog | tail -1; make -s clean; ls
      nm prog | grep -cw add; echo 'int main(){return x;}' > bad.c; LC_ALL=C cc bad.c 2>&1; echo $?`,
    prints: `cc    -c -o main.o main.c
cc    -c -o add.o add.c
cc -o prog main.o add.o
2
3
4
5
make: 'prog' is up to date.
cc -O2   -c -o add.o add.c
cc -o prog main.o add.o
4
Makefile
add.c
main.c
prog
1
bad.c: In function 'main':
bad.c:1:19: error: 'x' undeclared (first use in this function)
    1 | int main(){return x;}
      |                   ^
bad.c:1:19: note: each undeclared identifier is reported only once for each function it appears in
1
`,
  },
  {
    name: 'gcc links threads and a library',
    script: `${THREADS} echo 'int twice(int x) { return 2 * x; }' | cc -xc -shared -fPIC -o libtwice.so -; cc -O2 -o t t.c -L. -ltwice -Wl,-rpath,$PWD; ./t
      ar rc libx.a libtwice.so; ar t libx.a; objdump -d libtwice.so --disassemble=twice | grep -c ret; strip t; ./t; readelf -d t | grep -c NEEDED`,
    prints: `8000
libtwice.so
1
8000
2
`,
  },
  {
    name: 'a program of gcc is told of a read behind the end of a block (AddressSanitizer)',
    script: `echo 'int main(void) { int *p = __builtin_malloc(4); return p[1]; }' > a.c; cc -g -fsanitize=address -o a a.c; ./a > told 2>&1; echo $?; sed -n 2,3p told; grep -o 'in main /tmp/a.c:1' told`,
    hide: /==\d+==|0x[0-9a-f]+/g,
    prints: `1
#ERROR: AddressSanitizer: heap-buffer-overflow on address # at pc # bp # sp #
READ of size 4 at # thread T0
in main /tmp/a.c:1
in main /tmp/a.c:1
`,
  },
  {
    name: 'vim edits without a screen',
    script: `printf 'one\\ntwo\\nthree\\n' > f; vi -u NONE -es -c '%s/o/0/g' -c 'g/thr/d' -c 'normal Gohello' -c '%p' -c 'wq' f; cat f; seq 20 > g; vi -u NONE -es -c '3,17d' -c '%!sort -rn' -c '%p' -c 'q!' g`,
    prints: `0ne
tw0
hello
0ne
tw0
hello
20
19
18
2
1
`,
  },
  {
    name: 'rsync copies, tells the difference and removes',
    script: `mkdir -p a/b; seq 1000 > a/b/f; ln -s f a/b/l; chmod 640 a/b/f; touch -hd 2026-01-01 a/b/*; rsync -a a/ c; diff -r a c && echo same; echo x >> a/b/f; rm a/b/l; touch -d 2026-01-01 a/b
      rsync -ain --delete a/ c; rsync -a --delete a/ c; ls c/b; stat -c '%a %s' c/b/f`,
    prints: `same
*deleting   b/l
.d..t...... b/
>f.st...... b/f
f
640 3895
`,
  },
  {
    name: 'xz, zstd and bzip2 pack and unpack',
    script: `seq 20000 > f; for z in 'xz -1' 'zstd -q' bzip2; do $z -k f; done; wc -c < f.bz2; xz -dc f.xz | cmp - f; zstd -dqc f.zst | cmp - f; bzip2 -dc f.bz2 | cmp - f; xz -l f.xz | tail -1 | tr -s ' ' | cut -d' ' -f 2,3; tar cJf t.txz f; tar tf t.txz`,
    prints: `25147
1 1
f
`,
  },
  {
    name: 'file knows what is what',
    script: `file -b /usr/bin/bash | cut -d, -f 1-4; file -b /etc/passwd /tmp /dev/null; printf '\\037\\213\\010' | file -b --mime-type -`,
    prints: `ELF 64-bit LSB pie executable, UCB RISC-V, RVC, double-float ABI
ASCII text
sticky, directory
character special (1/3)
application/octet-stream
`,
  },
  {
    name: 'gpg signs and encrypts, with an agent of its own',
    script: `mkdir -m 700 h; export GNUPGHOME=$PWD/h; o='--batch --quiet --pinentry-mode loopback --passphrase p'; gpg $o --quick-gen-key me ed25519 sign 0 2> /dev/null; echo text > f
      gpg $o --clearsign f; gpg --verify f.asc 2>&1 | grep -c 'Good signature'; gpg $o --symmetric f; gpg $o -d f.gpg; gpg -d --batch --pinentry-mode loopback --passphrase wrong f.gpg 2> /dev/null; echo $?; gpgconf --kill all`,
    prints: `1
text
2
`,
  },
  {
    name: 'openssl digests, encrypts, signs and makes certificates',
    script: `echo data > f; openssl dgst -sha256 f; openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in f -out e; openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -in e; openssl genpkey -algorithm ed25519 -out k
      openssl req -x509 -key k -subj /CN=localhost -days 1 -out c; openssl x509 -in c -noout -subject; openssl verify -CAfile c c; openssl pkeyutl -sign -rawin -inkey k -in f -out s; openssl pkeyutl -verify -rawin -certin -inkey c -in f -sigfile s; openssl rand -hex 8 | wc -c`,
    prints: `SHA2-256(f)= 6667b2d1aab6a00caa5aee5af8ad9f1465e567abf1c209d15727d57b3e8f6e5f
data
subject=CN=localhost
c: OK
Signature Verified Successfully
17
`,
  },
  {
    name: 'ssh-keygen signs, ssh-agent keeps the key',
    script: `ssh-keygen -q -t ed25519 -N '' -f k -C me; ssh-keygen -l -f k.pub | cut -d' ' -f1,3-; echo data > f; ssh-keygen -q -Y sign -f k -n file f 2> /dev/null; echo "me $(cat k.pub)" > who
      ssh-keygen -Y verify -f who -I me -n file -s f.sig < f | cut -d' ' -f 1-5; ssh-agent sh -c 'ssh-add -q k; ssh-add -l | wc -l'`,
    prints: `256 me (ED25519)
Good "file" signature for me
1
`,
  },
];

expectRows(test, 'guest/apps-tools', rows);

test.run();
