// Debian's bash at a pseudo terminal that Python makes: a shell with job control, as at any terminal.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { asGuest, missingRoot } from './sysroot.js';

const SCRIPT = `
import os, pty, struct, fcntl, termios, time, tty
seen = b""
def until(text):
    text = text.encode()
    global seen
    while text not in seen:
        try: more = os.read(fd, 4096)
        except OSError: more = b""
        if not more: break
        seen += more
    end = seen.find(text)
    end = len(seen) if end < 0 else end + len(text)
    part, seen = seen[:end], seen[end:]
    return part.decode()
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(PS1="> ", TERM="dumb")
    os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 34, 0, 0))
print(repr(until("> ")))
for typed, end in [("stty size\\n", "> "), ("ech\\x7fho a\\x15echo b\\n", "> "), ("sleep 50\\n", "\\n"), ("\\x1a", "> "),
                   ("jobs\\n", "> "), ("bg >&2\\n", "> "), ("fg\\n", "50\\r\\n"), ("\\x03", "> "), ("echo $?\\n", "> "),
                   ("cat\\n", "\\n"), ("line\\n", "line\\r\\nline\\r\\n"), ("\\x04", "> "), ("test -t 0 && echo tty\\n", "> "),
                   ("exit 7\\n", "?")]:
    # Who is in the foreground is certain a little later only.
    if typed in ("\\x1a", "\\x03", "line\\n"): time.sleep(0.4)
    os.write(fd, typed.encode())
    print(repr(until(end)))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
m, s = os.openpty()
print(os.isatty(m), os.isatty(s), os.ttyname(s), os.get_terminal_size(s))
tty.setraw(s); os.write(m, b"\\x03\\x04"); print(os.read(s, 9)); os.write(s, b"a\\n"); print(os.read(m, 9))
os.close(s)
try: os.read(m, 1)
except OSError as e: print(e.strerror)
`;

/** As on a computer, with the spaces that other versions of bash have more or fewer of taken together. */
const EXPECTED = `'> '
'stty size\\r\\n12 34\\r\\n> '
'ech\\x08 \\x08ho a${'\\x08 \\x08'.repeat(6)}echo b\\r\\nb\\r\\n> '
'sleep 50\\r\\n'
'^Z\\r\\n[1]+ Stopped sleep 50\\r\\n> '
'jobs\\r\\n[1]+ Stopped sleep 50\\r\\n> '
'bg >&2\\r\\n[1]+ sleep 50 &\\r\\n> '
'fg\\r\\nsleep 50\\r\\n'
'^C\\r\\n> '
'echo $?\\r\\n130\\r\\n> '
'cat\\r\\n'
'line\\r\\nline\\r\\n'
'> '
'test -t 0 && echo tty\\r\\ntty\\r\\n> '
'exit 7\\r\\nexit\\r\\n'
7
True True /dev/pts/1 os.terminal_size(columns=0, lines=0)
b'\\x03\\x04'
b'a\\n'
Input/output error
`;

const test = suite('guest/debian-terminals');
const missing = missingRoot();
const title = 'bash -i at a pseudo terminal has job control, line editing and an end';

if (missing === null) {
  test(title, async () => {
    const { stdout, stderr, status } = await asGuest({
      name: 'pty',
      argv: ['python3', '-S', '-c', SCRIPT],
    });
    assert.equal([stderr, status], ['', 0]);
    assert.is(stdout.replace(/ {2,}/g, ' '), EXPECTED);
  });
} else {
  console.log(`SKIPPED guest/debian-terminals, ${title}: ${missing}`);
  test.skip(title);
}

test.run();
