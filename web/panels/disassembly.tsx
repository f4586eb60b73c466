import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { formatAddress } from '../app/format.js';
import type { PanelProps } from '../app/panels.js';
import { useRemote } from '../app/remote.js';
import { select, useSelection } from '../app/selection.js';
import { AddressLink, Button, Empty, FailureNotice, Notice, Panel } from '../app/ui.js';
import type { DisassemblyAnswer, InstructionRow } from '../worker/disassembly.js';
import { AddressField } from './address-field.js';

/** Instructions shown before and after the one asked for. */
const BEFORE = 24;
const AFTER = 64;

/** The code around an address, by default around where the thread stopped. */
export function DisassemblyPanel({ client }: PanelProps): JSX.Element {
  const [{ task, addr }] = useSelection();
  const args = { tid: task, addr, before: BEFORE, after: AFTER };
  const { value, failure, busy } = useRemote(client, 'disassembly.around', args);
  const pc = value?.pc ?? null;
  return (
    <Panel
      title="Disassembly"
      about="The instructions around an address. Addresses lead to the bytes; targets of jumps lead on here."
    >
      <div class="disassembly-bar">
        <AddressField
          label="Address"
          addr={value?.addr ?? addr}
          onGo={(to) => select({ addr: to })}
        />
        <Button disabled={pc === null || pc === value?.addr} onClick={() => select({ addr: pc })}>
          Where it stopped
        </Button>
      </div>
      {failure !== null && (
        <FailureNotice title="The code cannot be shown" failure={failure}>
          <p>Choose another address or task.</p>
        </FailureNotice>
      )}
      {value === null && busy && (
        <Empty title="Loading the disassembler …">
          <p>It is fetched when it is first asked for.</p>
        </Empty>
      )}
      {value !== null && <Code answer={value} tid={task} />}
    </Panel>
  );
}

function Code({
  answer,
  tid,
}: {
  readonly answer: DisassemblyAnswer;
  readonly tid: number;
}): JSX.Element {
  const { rows, problem, certain, arch, addr, pc } = answer;
  if (problem !== null) {
    return (
      <Notice kind="warn" title={`No code at ${formatAddress(addr)}`}>
        <p>
          It cannot be disassembled: {problem}. Follow an address from the stack or the registers.
        </p>
      </Notice>
    );
  }
  return (
    <>
      {!certain && (
        <p class="hint">
          No function is known here: the lines before {formatAddress(addr)} are a guess that fits.
        </p>
      )}
      <div class="code-box" tabIndex={0} role="region" aria-label={`Code, ${arch}`}>
        <table class="code">
          <caption class="unseen">Instructions around {formatAddress(addr)}</caption>
          <thead class="unseen">
            <tr>
              <th scope="col">Address</th>
              <th scope="col">Bytes</th>
              <th scope="col">Instruction</th>
              <th scope="col">Leads to</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Lines
                key={row.addr}
                row={row}
                tid={tid}
                asked={row.addr === addr}
                isPc={row.addr === pc}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Lines(props: {
  readonly row: InstructionRow;
  readonly tid: number;
  readonly asked: boolean;
  readonly isPc: boolean;
}): JSX.Element {
  const { row, asked, isPc } = props;
  const line = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    const box = line.current?.closest('.code-box');
    if (!asked || line.current === null || !(box instanceof HTMLElement)) return;
    box.scrollTop = line.current.offsetTop - box.clientHeight / 3;
  }, [asked]);
  return (
    <>
      {row.label !== null && (
        <tr class="code-label">
          <th scope="rowgroup" colSpan={4} class="mono">
            {row.label}
          </th>
        </tr>
      )}
      <tr
        ref={line}
        class={`${isPc ? 'code-pc' : ''} ${asked ? 'code-asked' : ''}`}
        aria-current={isPc ? 'true' : undefined}
      >
        <th scope="row">
          <span class="code-mark" aria-hidden="true">
            {isPc ? '▶' : ''}
          </span>
          <AddressLink addr={row.addr} task={props.tid} />
        </th>
        <td class="code-bytes mono">{row.bytes}</td>
        <td class="mono code-text">
          <span class="code-mnemonic">{row.mnemonic}</span> {row.operands}
        </td>
        <td class="code-target">
          {row.target !== null && (
            <AddressLink
              addr={row.target}
              task={props.tid}
              panel={isCode(row) ? 'disassembly' : 'hex'}
            >
              {row.targetName ?? formatAddress(row.target)}
            </AddressLink>
          )}
        </td>
      </tr>
    </>
  );
}

/** Whether the target is looked at as code: it has a function's name. */
function isCode({ targetName }: InstructionRow): boolean {
  return targetName !== null;
}
