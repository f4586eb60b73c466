// Servers and who asks them, in one machine over its loopback: redis, busybox httpd, openssl, rsync's daemon.
import { suite } from 'uvu';

import { type AppRow, expectRows } from './apps.js';

const test = suite('guest/apps-servers');

/** Waits until somebody listens at a port. */
const READY = `ready() { for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/$1) 2> /dev/null && return; sleep 0.1; done; echo nobody at $1; }; `;

const rows: AppRow[] = [
  {
    name: 'redis answers, runs Lua, saves what it has in a child and finds it again',
    script: `${READY} redis() { redis-cli -p 7000 "$@"; }; s() { redis-server --port 7000 --dir /tmp --daemonize yes --logfile log > /dev/null; ready 7000; }; s
      redis set a 5; redis incr a; redis eval 'return redis.call("get", "a") * 2' 0; redis lpush l x y z; redis lrange l 0 -1; redis-cli -p 7000 --csv subscribe news > sub 2> /dev/null & disown; has() { until grep -q $1 sub; do sleep 0.1; done; }; has news; redis publish news hello; has hello; cat sub
      redis bgsave; until [ "$(redis lastsave)" -gt 0 ] && redis info persistence | grep -q 'rdb_bgsave_in_progress:0'; do sleep 0.1; done; redis info persistence | grep -o 'rdb_last_bgsave_status:ok'; redis info server | grep -o 'riscv64'
      redis shutdown nosave; s; redis get a; redis shutdown nosave; grep -c 'DB saved on disk' log; redis ping > /dev/null 2>&1; echo $?`,
    prints: `OK
6
12
3
z
y
x
1
"subscribe","news",1
"message","news","hello"
Background saving started
rdb_last_bgsave_status:ok
riscv64
6
1
1
`,
  },
  {
    name: 'curl reads from busybox httpd, over IPv4 and IPv6',
    script: `${READY} mkdir w; echo web > w/index.html; head -c 300000 /dev/urandom > w/big; printf '#!/bin/sh\\nprintf "Content-type: text/plain\\\\n\\\\n$REQUEST_METHOD $QUERY_STRING "; cat\\n' > w/x; mkdir w/cgi-bin; mv w/x w/cgi-bin/x; chmod +x w/cgi-bin/x
      busybox httpd -p 8080 -h w; ready 8080; curl -s http://127.0.0.1:8080/; curl -s 'http://[::1]:8080/'; curl -s http://localhost:8080/big | cmp - w/big && echo same; curl -s -o /dev/null -w '%{http_code}\\n' http://localhost:8080/nothing
      curl -s -r 10-19 http://localhost:8080/big | cmp - <(tail -c +11 w/big | head -c 10) && echo part; curl -s -d body 'http://localhost:8080/cgi-bin/x?q=1'; echo; curl -s http://127.0.0.1:81/; echo $?; curl -s http://nowhere.example/; echo $?; curl -s -m 1 http://127.0.0.1:8080/ -o /dev/full; echo $?`,
    prints: `web
web
same
404
part
POST q=1 body
7
6
23
`,
  },
  {
    name: 'curl trusts the certificate of an openssl server',
    script: `${READY} openssl req -x509 -newkey ed25519 -nodes -keyout k -subj /CN=localhost -days 1 -out c 2> /dev/null; mkdir w; echo secret > w/f; (cd w; exec openssl s_server -accept 4433 -cert ../c -key ../k -WWW -quiet > /dev/null 2>&1) & disown; ready 4433
      curl -s --cacert c https://localhost:4433/f; curl -s --cacert c https://127.0.0.1:4433/f; echo $?; openssl s_client -connect localhost:4433 -CAfile c -brief < /dev/null 2>&1 | grep -E '^(Protocol|Verif)'; pkill openssl; echo $?`,
    prints: `secret
60
Protocol version: TLSv1.3
Verification: OK
0
`,
  },
  {
    name: 'rsync asks a daemon of its own',
    script: `${READY} mkdir a; seq 500 > a/f; printf 'uid = 0\\ngid = 0\\nuse chroot = no\\n[m]\\npath = /tmp/a\\ncomment = numbers\\n' > conf; rsync --daemon --port 8730 --config conf; ready 8730
      rsync rsync://localhost:8730/; rsync -a rsync://localhost:8730/m/ b; cmp a/f b/f && echo same; rsync -a rsync://localhost:8730/no/ c 2>&1 | head -1`,
    prints: `m              	numbers
same
@ERROR: Unknown module 'no'
`,
  },
];

expectRows(test, 'guest/apps-servers', rows);

test.run();
