import type { JSX } from 'preact';

import type { PanelProps } from '../app/panels.js';
import { useRemote } from '../app/remote.js';
import { useSelection } from '../app/selection.js';
import { AddressLink, Badge, Card, Empty, FailureNotice, Panel, Table } from '../app/ui.js';
import type { RegisterRow, RegistersAnswer, VectorRow } from '../worker/registers.js';

const ROLES: Readonly<Record<string, string>> = {
  pc: 'program counter',
  sp: 'stack pointer',
  fp: 'frame pointer',
  link: 'return address',
};

/** The registers of the chosen thread, and what they point to. */
export function RegistersPanel({ client }: PanelProps): JSX.Element {
  const [{ task }] = useSelection();
  const { value, failure } = useRemote(client, 'registers.of', { tid: task });
  return (
    <Panel title="Registers" about="What the thread had in its registers when it stopped.">
      {failure !== null && (
        <FailureNotice title="The registers cannot be shown" failure={failure}>
          <p>Choose another task in the bar above.</p>
        </FailureNotice>
      )}
      {value !== null && value.arch === null && (
        <Empty title="No registers">
          <p>No CPU ever ran this thread. Threads of a core have registers.</p>
        </Empty>
      )}
      {value !== null && value.arch !== null && <Registers of={value} />}
    </Panel>
  );
}

function Registers({ of }: { readonly of: RegistersAnswer }): JSX.Element {
  return (
    <>
      <Table caption="General registers" columns={['Register', 'Value', 'Points to']}>
        {of.general.map((row) => (
          <General key={row.name} row={row} flags={of.flags} />
        ))}
      </Table>
      {of.vector.length > 0 && (
        <Card class="vectors" title="Floating point and vectors">
          <details>
            <summary>{of.vector.length} registers</summary>
            <Table
              caption="Vector registers"
              columns={['Register', 'Bytes, highest first', 'As a double']}
            >
              {of.vector.map((row) => (
                <Vector key={row.name} row={row} />
              ))}
            </Table>
          </details>
        </Card>
      )}
    </>
  );
}

function General(props: {
  readonly row: RegisterRow;
  readonly flags: readonly string[];
}): JSX.Element {
  const { name, value, role, points } = props.row;
  return (
    <tr class={role === 'pc' || role === 'sp' ? 'register-main' : ''}>
      <th scope="row" class="mono">
        {name}
      </th>
      <td>
        {points === null ? (
          <span class="mono register-value">{hex(value)}</span>
        ) : (
          <AddressLink addr={value}>{hex(value)}</AddressLink>
        )}
      </td>
      <td class="register-points">
        {role === 'flags' ? (
          <Flags names={props.flags} />
        ) : (
          <>
            {points !== null && (
              <span class="register-target">
                {points.name !== null && <span class="mono">{points.name}</span>}
                <span class="register-mapping">{points.mapping}</span>
              </span>
            )}
            {role !== null && <Badge>{ROLES[role]}</Badge>}
          </>
        )}
      </td>
    </tr>
  );
}

function Flags({ names }: { readonly names: readonly string[] }): JSX.Element {
  if (names.length === 0) return <span class="register-mapping">none set</span>;
  return (
    <span class="badges">
      {names.map((name) => (
        <Badge key={name} kind="accent">
          {name}
        </Badge>
      ))}
    </span>
  );
}

function Vector({ row }: { readonly row: VectorRow }): JSX.Element {
  return (
    <tr>
      <th scope="row" class="mono">
        {row.name}
      </th>
      <td class="mono register-value">{row.hex}</td>
      <td class="mono">
        {Number.isFinite(row.double) ? row.double.toPrecision(6) : String(row.double)}
      </td>
    </tr>
  );
}

/** All 64 bits: 16 digits. */
function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(16, '0')}`;
}
