import type { CommandSpec } from './command.js';
import { COMMANDS } from './commands.js';
import type { Command } from './io.js';
import { UsageError } from './io.js';

/**
 * `procmem completion SHELL`: a script for the shell to read.
 *
 * @throws {UsageError} no shell, or one that is not known
 */
export const completion: Command = async (operands, io) => {
  const [shell] = operands;
  const write = { bash, zsh, fish }[shell ?? ''];
  if (write === undefined || operands.length > 1) {
    throw new UsageError('usage: procmem completion bash|zsh|fish');
  }
  io.out(write(Object.entries(COMMANDS)));
  return 0;
};

/** The names of shells complete the command that prints these scripts. */
const withoutShells = (commands: Commands): Commands =>
  commands.filter(([name]) => name !== 'completion');

type Commands = readonly (readonly [name: string, spec: CommandSpec])[];

const OTHERS = [
  ['help', 'show how a command is used'],
  ['version', 'show the version'],
] as const;

function flagsOf({ options = {} }: CommandSpec): string[] {
  return [...Object.keys(options).map((name) => `--${name}`), '--help'];
}

function bash(commands: Commands): string {
  const names = [...commands.map(([name]) => name), ...OTHERS.map(([name]) => name)];
  const cases = withoutShells(commands).map(
    ([name, spec]) => `    ${name}) options='${flagsOf(spec).join(' ')}' ;;`,
  );
  return `# bash completion of procmem
_procmem() {
  local word=\${COMP_WORDS[COMP_CWORD]} options=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "\${COMP_WORDS[1]}" = help ]; }; then
    COMPREPLY=($(compgen -W '${names.join(' ')}' -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    completion) options='bash zsh fish' ;;
  esac
  if [[ $word == -* ]] || [ "\${COMP_WORDS[1]}" = completion ]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _procmem procmem
`;
}

function zsh(commands: Commands): string {
  const rows = [...commands.map(([name, { about }]) => [name, about] as const), ...OTHERS];
  const cases = withoutShells(commands).map(([name, { options = {} }]) => {
    const specs = Object.entries(options).map(([option, { about, value }]) => {
      const action = value === undefined ? '' : `:${value}:_files`;
      return `'--${option}[${zshText(about)}]${zshText(action)}'`;
    });
    return `    ${name}) _arguments ${[...specs, "'--help[show this]'", "'*:file:_files'"].join(' ')} ;;`;
  });
  return `#compdef procmem
_procmem() {
  local -a commands
  commands=(
${rows.map(([name, about]) => `    '${name}:${zshText(about)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  words=("\${(@)words[2,-1]}")
  (( CURRENT -= 1 ))
  case $command in
${cases.join('\n')}
    help) _describe command commands ;;
    completion) _values shell bash zsh fish ;;
  esac
}
_procmem "$@"
`;
}

function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replace(/[[\]]/g, '\\$&');
}

function fish(commands: Commands): string {
  const text = (about: string): string => `'${about.replace(/[\\']/g, '\\$&')}'`;
  const first = [...commands.map(([name, { about }]) => [name, about] as const), ...OTHERS].map(
    ([name, about]) =>
      `complete -c procmem -n __fish_use_subcommand -f -a ${name} -d ${text(about)}`,
  );
  const rest = commands.flatMap(([name, { options = {} }]) =>
    Object.entries(options).map(([option, { short, value, about }]) => {
      const letter = short === undefined ? '' : ` -s ${short}`;
      const needs = value === undefined ? '' : ' -r';
      const when = `-n '__fish_seen_subcommand_from ${name}'`;
      return `complete -c procmem ${when}${letter} -l ${option}${needs} -d ${text(about)}`;
    }),
  );
  const shells = `complete -c procmem -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'`;
  return `${['# fish completion of procmem', ...first, ...rest, shells].join('\n')}\n`;
}
