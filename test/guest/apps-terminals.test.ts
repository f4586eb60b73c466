// Programs of a full screen and those that make terminals: tmux, screen, vim, less, top, script. What is on the screen is
// read back with tmux's capture-pane: it understands what they write.
import { suite } from 'uvu';

import { type AppRow, expectRows } from './apps.js';

const test = suite('guest/apps-terminals');

/** A shell in a terminal of tmux; sees TEXT waits until it is on the screen. */
const TMUX = `t() { tmux -L t "$@"; }; screen() { t capture-pane -p | sed 's/ *$//' | grep -v '^$'; }
  sees() { for i in $(seq 100); do screen | grep -qF -- "$1" && return; sleep 0.2; done; echo "no $1:"; screen; }
  t -f /dev/null new-session -d -x 60 -y 12 "PS1='% ' sh"; sees '%'; `;

const rows: AppRow[] = [
  {
    name: 'tmux types into a shell, splits and resizes its window',
    script: `${TMUX} t send-keys 'stty size; tty' Enter; sees /dev/pts/0; screen; t split-window -h "PS1='% ' sh"; sees %; t send-keys 'stty size; tty' Enter; sees /dev/pts/1; screen; t list-panes | cut -d' ' -f 1,2
      t resize-pane -x 20; t send-keys 'clear; stty size' Enter; sees '12 20'; t send-keys 'exit' Enter; sleep 0.5; t list-panes | cut -d' ' -f 1,2; t kill-server; sleep 0.3; pgrep -c tmux`,
    status: 1,
    prints: `% stty size; tty
12 60
/dev/pts/0
%
% stty size; tty
12 29
/dev/pts/1
%
0: [30x12]
1: [29x12]
0: [60x12]
0
`,
  },
  {
    name: 'a shell in tmux has job control: ^C, ^Z, fg, SIGWINCH',
    script: `${TMUX} t send-keys 'sleep 50' Enter; sleep 0.5; t send-keys C-z; sees 'Stopped'; t send-keys 'jobs' Enter 'fg' Enter; sleep 0.5; t send-keys C-c; t send-keys 'echo $?' Enter; sees 130; screen | tr -s ' '
      t send-keys "clear; trap 'stty size' WINCH" Enter; t resize-window -x 40 -y 9; t send-keys Enter; sees '9 40'; t send-keys 'cat' Enter; sleep 0.3; t send-keys 'line' Enter C-d; sees line; t kill-server`,
    prints: `% sleep 50
^Z[1] + Stopped sleep 50
% jobs
fg
[1] + Stopped sleep 50
% sleep 50
^C
% echo $?
130
%
`,
  },
  {
    name: 'vim edits on a screen, is suspended, resumes and writes',
    script: `${TMUX} printf 'one\\ntwo\\n' > f; t send-keys 'vi -u NONE -n f' Enter; sees '"f" 2 lines'; t send-keys 'Gothree' Escape 'ggdd'; sees three; screen; t send-keys C-z; sees Stopped; t send-keys 'echo back' Enter 'fg' Enter; sleep 1; t send-keys ':s/two/2/' Enter ':wq' Enter; until grep -q 2 f; do sleep 0.2; done; cat f; t kill-server`,
    prints: `two
three
~
~
~
~
~
~
~
~
~
2
three
`,
  },
  {
    name: 'less pages, searches and quits',
    script: `${TMUX} seq 100 > f; t send-keys 'less f' Enter; sees 11; screen | tail -2; t send-keys Space; sees 22; screen | head -1; t send-keys '/77' Enter; sees 77; screen | head -1; t send-keys G; sees '(END)'; t send-keys q; sleep 0.3; t send-keys 'echo done' Enter; sees done; screen | tail -2; t kill-server`,
    prints: `11
f
12
77
done
%
`,
  },
  {
    name: 'top refreshes its screen and takes keys',
    script: `${TMUX} t send-keys 'top -d 0.5' Enter; sees 'load average'; sees PID; t send-keys k; sees 'PID to signal'; t send-keys Escape; sleep 1; t send-keys q; sleep 1; t send-keys 'echo $?' Enter; sees 0; screen | tail -2; t kill-server`,
    prints: `0
%
`,
  },
  {
    name: 'script runs a command at a terminal and says how it ended',
    script: `script -qec 'tty; test -t 0 && echo yes; exit 3' typed < /dev/null | tr -d '\\r'; echo \${PIPESTATUS[0]}; script -qc 'stty -a' /dev/null < /dev/null | grep -c 'intr = ^C'; tail -1 typed | grep -o 'COMMAND_EXIT_CODE="3"'; echo 'echo typed' | script -qc 'sh' /dev/null | tr -d '\\r' | head -2`,
    prints: `/dev/pts/0
yes
3
1
COMMAND_EXIT_CODE="3"
echo typed
# typed
`,
  },
];

expectRows(test, 'guest/apps-terminals', rows);

test.run();
