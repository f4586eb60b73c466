import type { CommandSpec, OptionSpecs } from './command.js';

/** What every command that looks into a process takes. */
const PROCESS: OptionSpecs = {
  core: {
    short: 'c',
    value: 'FILE',
    about: 'the core to look into, also gzipped (default: the example crash)',
  },
  sysroot: { value: 'DIR', about: 'look for the files that the core names below DIR' },
};
const JSON_OPTION: OptionSpecs = {
  json: { about: 'print JSON: addresses are strings, sizes numbers of bytes' },
};
const ADDRESSES =
  'An ADDRESS is 0x…, decimal, or twelve hex digits as they are printed; a register of the first thread such as $rip or $rsp; the name of a ' +
  'mapping such as [stack]; each with +N or -N behind it. START-END, as maps prints it, is a range.';

/** All commands, in the order in which help lists them. */
export const COMMANDS: Readonly<Record<string, CommandSpec>> = {
  demo: {
    usage: 'demo [CORE] [--json]',
    about: 'show a crashed process through its /proc/PID/mem',
    options: { ...JSON_OPTION },
    examples: [
      ['demo', 'the example crash'],
      ['demo core.1234', 'one of your own'],
    ],
    load: async () => (await import('./demo.js')).demo,
  },
  info: {
    usage: 'info [CORE] [--json]',
    about: 'say what crashed, why, and how much of it is there',
    options: { ...PROCESS, ...JSON_OPTION },
    examples: [
      ['info core.1234', 'signal, threads, memory, files'],
      ["info core.1234 --json | jq '.threads[].tid'", 'for a program'],
    ],
    load: async () => (await import('./info.js')).info,
  },
  maps: {
    usage: 'maps [CORE] [--proc | --json]',
    about: 'list the mappings of a process',
    options: {
      ...PROCESS,
      proc: { about: 'print the text of /proc/PID/maps' },
      ...JSON_OPTION,
    },
    examples: [
      ['maps core.1234', 'a table with sizes'],
      ['maps core.1234 --proc', 'as the kernel writes it'],
    ],
    load: async () => (await import('./maps.js')).maps,
  },
  bt: {
    usage: 'bt [CORE] [--thread TID] [--json]',
    about: 'print the stack trace of every thread',
    details: [
      'Frames are found by call-frame information and frame pointers, names in the symbol tables of the ' +
        'files that the core names, of their .gnu_debugdata and of separate debug files by build id.',
    ],
    options: {
      ...PROCESS,
      thread: { short: 't', value: 'TID', about: 'this thread only' },
      limit: { short: 'n', value: 'N', about: 'frames of a thread at most (default 256)' },
      mangled: { short: 'r', about: 'leave C++ names as the linker sees them' },
      module: { short: 'm', about: 'print the file of each frame' },
      'debug-dir': { value: 'DIR', about: 'where debug files are (default /usr/lib/debug)' },
      ...JSON_OPTION,
    },
    statuses: [
      [0, 'every thread has a trace'],
      [1, 'a thread has no frame at all'],
      [2, 'no such core or thread'],
    ],
    examples: [
      ['bt core.1234', 'all threads'],
      ['bt core.1234 -t 1235 -m', 'one thread, with files'],
      ['bt core.1234 --sysroot /srv/images/arm', 'a core from another machine'],
    ],
    load: async () => (await import('./bt.js')).bt,
  },
  read: {
    usage: 'read ADDRESS [LENGTH] [--raw | --json]',
    about: 'print memory, in hex or as it is',
    details: [ADDRESSES, 'LENGTH is in bytes, or with a suffix K, M or G (default 256).'],
    options: {
      ...PROCESS,
      raw: { about: 'write the bytes themselves' },
      force: { about: 'write raw bytes even to a terminal' },
      ...JSON_OPTION,
    },
    statuses: [
      [0, 'all bytes were read'],
      [1, 'some were not: standard error says from where on, and why'],
      [2, 'the command line or the core is wrong'],
    ],
    examples: [
      ["read '$rsp' 64 -c core.1234", 'the top of the stack'],
      ["read '[heap]' 1M -c core.1234 --raw > heap", 'a megabyte of the heap'],
    ],
    load: async () => (await import('./read.js')).read,
  },
  write: {
    usage: 'write ADDRESS (--hex BYTES | --text T | --file F) -o CORE',
    about: 'write memory, into a copy of the core',
    details: [
      ADDRESSES,
      'Nothing that exists is changed: --output names a new core, which is a copy but for the bytes ' +
        'written. As through /proc/PID/mem, protections do not matter. Memory that was not dumped has ' +
        'no place in a core and cannot be written.',
    ],
    options: {
      ...PROCESS,
      hex: { value: 'BYTES', about: 'bytes in hex, with or without spaces' },
      text: { value: 'TEXT', about: 'UTF-8, without a NUL at its end' },
      file: { value: 'FILE', about: 'the contents of a file' },
      output: { short: 'o', value: 'CORE', about: 'the core to make; it must not exist' },
      ...JSON_OPTION,
    },
    statuses: [
      [0, 'the new core is written'],
      [1, 'the memory is not in the core'],
      [2, 'the command line or a file is wrong'],
    ],
    examples: [["write 0x7ffd1000 --hex '90 90' -c core.1234 -o patched", 'two bytes']],
    load: async () => (await import('./write.js')).write,
  },
  search: {
    usage: 'search (--text T | --hex BYTES | --regex RE | …) [RANGE]',
    about: 'find bytes, text, expressions or integers in memory',
    details: [
      'Integers are little endian, and are found at any address unless --align says otherwise. A regular ' +
        'expression is one of JavaScript over bytes (\\x00 to \\xff); its matches have at most 4096 bytes.',
      ADDRESSES,
    ],
    options: {
      ...PROCESS,
      text: { value: 'TEXT', about: 'text as UTF-8' },
      hex: { value: 'BYTES', about: 'bytes in hex; ?? is any byte' },
      regex: { value: 'RE', about: 'a regular expression over bytes' },
      'ignore-case': { short: 'i', about: 'letters A to Z match a to z, in text and expressions' },
      u8: { value: 'N', about: 'an integer of 1 byte, decimal or 0x…' },
      u16: { value: 'N', about: 'of 2 bytes' },
      u32: { value: 'N', about: 'of 4 bytes' },
      u64: { value: 'N', about: 'of 8 bytes; pointers too' },
      i32: { value: 'N', about: 'signed; below zero it is written --i32=-5' },
      i64: { value: 'N', about: 'signed' },
      align: { value: 'N', about: 'only addresses that are multiples of N' },
      perms: {
        short: 'p',
        value: 'PERMS',
        about: 'only mappings with these permissions, such as rw',
      },
      limit: { short: 'n', value: 'N', about: 'stop after N finds (default 1000; 0: never)' },
      ...JSON_OPTION,
    },
    statuses: [
      [0, 'found'],
      [1, 'not found'],
      [2, 'the command line or the core is wrong'],
    ],
    examples: [
      ['search --text password -c core.1234', 'a word'],
      ["search --regex 'https?://[\\w./-]+' -c core.1234", 'every address of the web'],
      ['search --u64 0x7ffd1000 -p rw -c core.1234', 'pointers to a place'],
    ],
    load: async () => (await import('./search.js')).search,
  },
  explain: {
    usage: 'explain [CORE] [--uid N] [--caps LIST] [--yama N]',
    about: 'say who may open /proc/PID/mem, and which check of the kernel decides',
    options: {
      ...PROCESS,
      uid: { value: 'N', about: 'the user that asks (default: three who differ)' },
      gid: { value: 'N', about: 'the group that asks (default: the user’s number)' },
      caps: {
        value: 'LIST',
        about: 'what it may: all, none, or names such as sys_ptrace,dac_override',
      },
      yama: { value: '0..3', about: 'kernel.yama.ptrace_scope (default: no Yama)' },
      question: { value: 'mem|ptrace', about: 'open mem, or attach as a debugger (default mem)' },
      ...JSON_OPTION,
    },
    statuses: [
      [0, 'allowed (all who ask)'],
      [1, 'denied (someone)'],
      [2, 'the command line or the core is wrong'],
    ],
    examples: [
      ['explain --uid 1001', 'a stranger'],
      ['explain --uid 1000 --yama 1', 'a sibling under Yama'],
    ],
    load: async () => (await import('./explain.js')).explain,
  },
  dump: {
    usage: 'dump PID|CORE -o FILE [--filter N] [--no-stop]',
    about: 'write a core of a running process, or of a core that is loaded',
    details: [
      'A process of this computer rests while it is copied, unless --no-stop says otherwise.',
    ],
    options: {
      output: { short: 'o', value: 'FILE', about: 'where the core goes; an existing file is kept' },
      filter: { value: 'N', about: 'the bits of /proc/PID/coredump_filter (default: its own)' },
      sysroot: { value: 'DIR', about: 'look for the files that the core names below DIR' },
      'no-stop': { about: 'let the process run on while it is copied' },
    },
    examples: [
      ['dump 1234 -o core.1234', 'of a running process'],
      ['dump core.1234 -o all --filter 0x7f', 'with the pages of files too'],
    ],
    statuses: [[1, 'interrupted; there is no file']],
    ownOptions: true,
    load: async () => (await import('./dump.js')).dump,
  },
  snapshot: {
    usage: 'snapshot PID -o FILE [--no-stop]',
    about: 'copy a running process into a snapshot that Machine.restore() opens',
    options: {
      output: { short: 'o', value: 'FILE', about: 'where it goes; an existing file is kept' },
      'no-stop': { about: 'let the process run on while it is copied' },
    },
    examples: [['snapshot 1234 -o process.snap', 'it rests meanwhile']],
    statuses: [[1, 'interrupted; there is no file']],
    ownOptions: true,
    load: async () => (await import('./snapshot.js')).snapshot,
  },
  gdb: {
    usage: 'gdb [CORE] [--listen HOST:PORT | --stdio]',
    about: 'serve a process to gdb and lldb',
    options: {
      listen: { value: 'HOST:PORT', about: 'where to listen (default: 127.0.0.1:1234)' },
      stdio: { about: 'talk on standard input and output instead' },
    },
    examples: [
      ['gdb core.1234', 'then: gdb -ex "target remote :1234"'],
      ['gdb core.1234 --stdio', 'for: target remote | procmem gdb core.1234 --stdio'],
    ],
    ownOptions: true,
    load: async () => (await import('./gdb.js')).gdb,
  },
  mount: {
    usage: 'mount DIR (--core FILE | --demo) [OPTION…]',
    about: 'serve the /proc of a machine on a directory, over FUSE (Linux)',
    options: {
      core: { value: 'FILE', about: 'the process of a core' },
      demo: { about: 'the example crash' },
      self: { value: 'WHO', about: 'whom /proc/self leads to: caller, core or a PID' },
      'no-mem': { about: 'without the file mem, as sandboxes were' },
      yama: { value: '0..3', about: 'restrict ptrace as Yama does' },
      user: { value: 'HOST:MACHINE', multiple: true, about: 'who a host user is in the machine' },
      group: { value: 'HOST:MACHINE', multiple: true, about: 'the same for a group' },
    },
    examples: [['mount /mnt --core core.1234', 'then: pmap -X, strings /mnt/self/mem, …']],
    statuses: [[1, 'the server failed']],
    ownOptions: true,
    load: async () => (await import('./mount.js')).mount,
  },
  serve: {
    usage: 'serve [--port N]',
    about: 'serve the explorer, a page that looks into cores, to browsers on this computer',
    details: [
      'The page reads the files that are dropped on it itself; nothing is uploaded, and no other computer ' +
        'reaches the port.',
    ],
    options: { port: { short: 'p', value: 'N', about: 'the port (default 8077; 0: any)' } },
    examples: [['serve', 'then open http://127.0.0.1:8077/?demo']],
    load: async () => (await import('./serve.js')).serve,
  },
  replay: {
    usage: 'replay FILE… [--json]',
    about: 'compare the machine with traces of a real kernel (.jsonl, .jsonl.gz)',
    options: { ...JSON_OPTION },
    statuses: [
      [0, 'every step matches'],
      [1, 'a step differs'],
      [2, 'a file is no trace'],
    ],
    examples: [['replay test/linux/traces/*.gz', 'all traces of the repository']],
    load: async () => (await import('./replay.js')).replay,
  },
  bench: {
    usage: 'bench [--json]',
    about: 'measure copying out of another process, beside memcpy and the kernel',
    options: { ...JSON_OPTION },
    examples: [['bench', 'a few seconds']],
    load: async () => (await import('./bench.js')).bench,
  },
  completion: {
    usage: 'completion bash|zsh|fish',
    about: 'print a script that completes commands and options',
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/procmem', 'for bash'],
      ['completion zsh > ~/.zfunc/_procmem', 'for zsh, with ~/.zfunc in fpath'],
      ['completion fish > ~/.config/fish/completions/procmem.fish', 'for fish'],
    ],
    load: async () => (await import('./completion.js')).completion,
  },
};
