import type { CommandSpec, OptionSpec, OptionSpecs } from './command.js';

const EXE: OptionSpec = {
  short: 'e',
  value: 'FILE',
  about: 'the program of the core, where that does not name it, or it was moved',
};
const SYSROOT: OptionSpec = {
  value: 'DIR',
  about: 'look for the files that the process had mapped below DIR',
};
/** What every command that looks into a process takes. */
const PROCESS: OptionSpecs = {
  core: {
    short: 'c',
    value: 'FILE',
    about: 'the core or snapshot to look into, also gzipped (default: the example crash)',
  },
  snapshot: { value: 'FILE', about: 'the same, but only a snapshot will do' },
  pid: { value: 'N', about: 'which process of a snapshot that has several' },
  exe: EXE,
  sysroot: SYSROOT,
};
const NO_STOP: OptionSpecs = {
  'no-stop': { about: 'let the process run on while it is copied' },
};
const JSON_OPTION: OptionSpecs = {
  json: { about: 'print JSON: addresses are strings, sizes numbers of bytes' },
};
const COPY_STATUSES = [
  [0, 'the file is written'],
  [1, 'interrupted; there is no file'],
  [2, 'the command line is wrong, or there is no such process or file'],
] as const;
const ADDRESSES =
  'An ADDRESS is 0x…, decimal, or twelve hex digits as they are printed; a register of the first thread such as $rip or $rsp; the name of a ' +
  'mapping such as [stack]; each with +N or -N behind it. START-END, as maps prints it, is a range.';

/** All commands, in the order in which help lists them. */
export const COMMANDS: Readonly<Record<string, CommandSpec>> = {
  demo: {
    usage: 'demo [CORE] [--json]',
    about: 'show a crash through /proc/PID/mem: of a program, or of a core',
    options: { ...PROCESS, ...JSON_OPTION },
    examples: [
      ['demo', 'a program that crashes in the machine'],
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
      ['bt qemu_a.out.core --exe a.out', 'of QEMU, whose cores name no files'],
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
    usage: 'write ADDRESS (--hex BYTES | --text T | --file F) -o FILE',
    about: 'write memory, into a copy of the core or snapshot',
    details: [
      ADDRESSES,
      'Nothing that exists is changed: --output names a new file, which is a copy but for the bytes ' +
        'written. As through /proc/PID/mem, protections do not matter. A page that the core does not ' +
        'have comes behind its end, with the other bytes that it has in the file of the process.',
    ],
    options: {
      ...PROCESS,
      hex: { value: 'BYTES', about: 'bytes in hex, with or without spaces' },
      text: { value: 'TEXT', about: 'UTF-8, without a NUL at its end' },
      file: { value: 'FILE', about: 'the contents of a file' },
      output: { short: 'o', value: 'FILE', about: 'the file to make; it must not exist' },
      ...JSON_OPTION,
    },
    statuses: [
      [0, 'the new file is written'],
      [1, 'nothing is mapped there, or the rest of the page is not known'],
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
    usage: 'dump [PID|CORE] -o FILE [--filter N] [--no-stop]',
    about: 'write a core of a running process, or of a core or snapshot',
    details: [
      'A process of this computer rests while it is copied, unless --no-stop says otherwise. A core or ' +
        'snapshot is loaded into a machine, and a core of its process is written there.',
    ],
    options: {
      ...PROCESS,
      output: { short: 'o', value: 'FILE', about: 'where it goes; an existing file is replaced' },
      filter: { value: 'N', about: 'the bits of /proc/PID/coredump_filter (default: its own)' },
      ...NO_STOP,
      ...JSON_OPTION,
    },
    examples: [
      ['dump 1234 -o core.1234', 'of a running process'],
      ['dump core.1234 -o all --filter 0x7f', 'with the pages of files too'],
      ['dump process.snap -o core', 'a snapshot as a core, for gdb'],
    ],
    statuses: COPY_STATUSES,
    load: async () => (await import('./dump.js')).dump,
  },
  snapshot: {
    usage: 'snapshot PID -o FILE [--no-stop]',
    about: 'copy a running process into a snapshot, which every command opens',
    details: ['Machine.restore() opens it too. Pages are read when they are touched.'],
    options: {
      output: { short: 'o', value: 'FILE', about: 'where it goes; an existing file is replaced' },
      ...NO_STOP,
      ...JSON_OPTION,
    },
    examples: [
      ['snapshot 1234 -o process.snap', 'it rests meanwhile'],
      ['bt process.snap', 'then: its stack traces'],
    ],
    statuses: COPY_STATUSES,
    load: async () => (await import('./snapshot.js')).snapshot,
  },
  gdb: {
    usage: 'gdb [CORE] [--listen HOST:PORT | --stdio]',
    about: 'serve a process to gdb and lldb',
    options: {
      ...PROCESS,
      listen: { value: 'HOST:PORT', about: 'where to listen (default: 127.0.0.1:1234)' },
      stdio: { about: 'talk on standard input and output instead' },
      json: { about: 'say as JSON where it listens' },
    },
    examples: [
      ['gdb core.1234', 'then: gdb -ex "target remote :1234"'],
      ['gdb core.1234 --stdio', 'for: target remote | procmem gdb core.1234 --stdio'],
    ],
    statuses: [
      [0, 'interrupted, or standard input ended'],
      [2, 'the command line or the core is wrong, or the port cannot be had'],
    ],
    load: async () => (await import('./gdb.js')).gdb,
  },
  mount: {
    usage: 'mount DIR (--core FILE | --snapshot FILE | --demo) [OPTION…]',
    about: 'serve the /proc of a machine on a directory, over FUSE (Linux)',
    options: {
      core: { short: 'c', value: 'FILE', about: 'the process of a core, or all of a snapshot' },
      snapshot: { value: 'FILE', about: 'the same, but only a snapshot will do' },
      demo: { about: 'the example crash' },
      pid: { value: 'N', about: 'which process of a snapshot --self core means' },
      exe: EXE,
      sysroot: SYSROOT,
      self: { value: 'WHO', about: 'whom /proc/self leads to: caller, core or a PID' },
      'no-mem': { about: 'without the file mem, as sandboxes were' },
      yama: { value: '0..3', about: 'restrict ptrace as Yama does' },
      user: { value: 'HOST:MACHINE', multiple: true, about: 'who a host user is in the machine' },
      group: { value: 'HOST:MACHINE', multiple: true, about: 'the same for a group' },
      json: { about: 'say as JSON what is mounted' },
    },
    examples: [
      ['mount /mnt --core core.1234', 'then: pmap -X, strings /mnt/self/mem, …'],
      ['mount /mnt --snapshot process.snap', 'a copy of a running process'],
    ],
    statuses: [
      [0, 'it is unmounted'],
      [1, 'the server failed'],
      [2, 'the command line or the core is wrong, or nothing can be mounted there'],
    ],
    load: async () => (await import('./mount.js')).mount,
  },
  run: {
    usage: 'run [OPTION…] PROGRAM [ARGUMENT…]',
    about: 'run a RISC-V Linux program on a machine of its own',
    details: [
      'The program sees nothing of this computer: without --root it is alone in an empty tree. With --root DIR ' +
        'its tree is DIR, read when it is used; what it writes stays in memory and ends with it. --mount shows ' +
        'it one more directory, where it writes for real. Options end at the program.',
    ],
    options: {
      root: { value: 'DIR', about: 'the directory that is its /, such as unpacked packages' },
      mount: {
        short: 'm',
        value: 'HOST:GUEST[:ro]',
        multiple: true,
        about: 'show it a directory, which it may write unless :ro',
      },
      profile: { short: 'p', value: 'NAME', about: 'the kernel it finds, such as gvisor-2020' },
      'no-mem': { about: 'without /proc/PID/mem, as sandboxes were' },
      'no-jit': { about: 'interpret all of it, and compile nothing to wasm' },
      strace: { about: 'print its system calls to standard error, as strace -f does' },
      'strace-summary': { about: 'print at the end how often it made which, as strace -c -w does' },
      env: {
        short: 'e',
        value: 'NAME=VALUE',
        multiple: true,
        about: 'put it into the environment',
      },
      cwd: { short: 'C', value: 'DIR', about: 'where it starts (default /)' },
      uid: { value: 'N', about: 'the user it runs as (default 0)' },
      gid: { value: 'N', about: 'the group it runs as (default: the user’s number)' },
      memory: { value: 'SIZE', about: 'its memory at most, such as 256M (default 4G)' },
      seed: { value: 'N', about: 'its random numbers, the same in every run' },
      clock: {
        value: 'MOMENT',
        about:
          'a clock that begins there, such as 2026-01-01, and goes on a second each 1,000M instructions',
      },
      time: { value: 'SECONDS', about: 'kill it after so long' },
      instructions: { value: 'N', about: 'kill it after so many instructions, such as 500M' },
    },
    statuses: [
      [126, 'it cannot be executed'],
      [127, 'it, or its interpreter, is not there'],
      [129, 'and above: 128 and the number of the signal that ended it'],
    ],
    examples: [
      ['run ./hello', 'a static program'],
      ['run --root riscv64 sh -c "ls -l /proc/self/"', 'Debian’s, from a directory'],
      ['run --root riscv64 --mount .:/data:ro --strace cat /data/notes', 'with a directory'],
    ],
    programFollows: true,
    load: async () => (await import('./guest-run.js')).run,
  },
  serve: {
    usage: 'serve [--port N] [--json]',
    about: 'serve the explorer, a page that looks into cores, to browsers on this computer',
    details: [
      'The page reads the files that are dropped on it itself; nothing is uploaded, and no other computer ' +
        'reaches the port.',
    ],
    options: {
      port: { short: 'p', value: 'N', about: 'the port (default 8077; 0: any)' },
      json: { about: 'say as JSON where it is' },
    },
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
