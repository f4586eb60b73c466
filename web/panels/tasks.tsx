import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { formatSize } from '../app/format.js';
import type { Failure } from '../app/message.js';
import { failureOf } from '../app/opening.js';
import type { PanelProps } from '../app/panels.js';
import { announceChange, useRemote } from '../app/remote.js';
import { linkTo, useSelection } from '../app/selection.js';
import { Badge, Button, Card, FailureNotice, Field, Panel, Table } from '../app/ui.js';
import type { TaskRow } from '../worker/tasks.js';

/** Names of the capabilities, by their bits. @see include/uapi/linux/capability.h */
const CAPS = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable ' +
  'net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot ' +
  'sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease ' +
  'audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read ' +
  'perfmon bpf checkpoint_restore'
).split(' ');

/** Processes and threads with their credentials. */
export function TasksPanel({ client }: PanelProps): JSX.Element {
  const { value, failure } = useRemote(client, 'tasks.list', {});
  const [{ task }] = useSelection();
  const [refused, setRefused] = useState<Failure | null>(null);
  const chosen = value?.find(({ tid }) => tid === task) ?? null;
  return (
    <Panel title="Tasks" about="Processes and threads of the machine, and who they are.">
      {failure !== null && <FailureNotice title="The tasks cannot be listed" failure={failure} />}
      <Table
        caption="All tasks"
        columns={[
          'Task',
          'Name',
          'State',
          'User',
          'Capabilities',
          { label: 'Mapped', numeric: true },
          { label: 'Resident', numeric: true },
        ]}
      >
        {(value ?? []).map((row) => (
          <TaskLine key={row.tid} row={row} chosen={row.tid === task} />
        ))}
      </Table>
      <div class="two-columns">
        {chosen !== null && <Credentials row={chosen} />}
        <NewTask
          onMake={(comm, uid) => {
            setRefused(null);
            client
              .call('tasks.spawn', { comm, uid })
              .then(announceChange, (error: unknown) => setRefused(failureOf(error)));
          }}
        />
      </div>
      {refused !== null && <FailureNotice title="The task was not made" failure={refused} />}
    </Panel>
  );
}

function TaskLine({
  row,
  chosen,
}: {
  readonly row: TaskRow;
  readonly chosen: boolean;
}): JSX.Element {
  const [, select] = useSelection();
  const thread = row.tid !== row.pid;
  return (
    <tr class={chosen ? 'chosen' : ''}>
      <th scope="row" class="mono">
        {thread && <span class="branch" aria-hidden="true" />}
        <a
          href={linkTo({ task: row.tid, addr: null })}
          aria-current={chosen ? 'true' : undefined}
          onClick={(event) => {
            event.preventDefault();
            select({ task: row.tid, addr: null });
          }}
        >
          {row.tid}
        </a>
      </th>
      <td>
        <span class="task-name">{row.comm}</span>
        <span class="task-note">{noteOf(row)}</span>
      </td>
      <td>{STATES[row.state] ?? row.state}</td>
      <td class="mono">{row.uids.effective}</td>
      <td>{capsSummary(row.effective)}</td>
      <td class="numeric">{row.size === null ? '–' : formatSize(row.size)}</td>
      <td class="numeric">{row.resident === null ? '–' : formatSize(row.resident)}</td>
    </tr>
  );
}

const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  T: 'stopped',
  t: 'traced',
  Z: 'zombie',
  X: 'gone',
};

function noteOf(row: TaskRow): string {
  if (row.own) return 'the explorer itself';
  if (row.tid !== row.pid) return `thread of ${row.pid}`;
  const child = row.ppid > 1 ? `child of ${row.ppid}` : '';
  const words = row.cmdline === row.comm ? '' : row.cmdline;
  return [words, child].filter((text) => text !== '').join(', ');
}

function capNames(set: bigint): string[] {
  return CAPS.filter((_, bit) => ((set >> BigInt(bit)) & 1n) === 1n);
}

function capsSummary(set: bigint): string {
  const names = capNames(set);
  if (names.length === 0) return 'none';
  if (names.length === CAPS.length) return 'all';
  return names.length <= 2 ? names.join(', ') : `${names.length} of ${CAPS.length}`;
}

const DUMPABLE = ['0: no, privileged only', '1: yes', '2: privileged only'];

function Credentials({ row }: { readonly row: TaskRow }): JSX.Element {
  const ids = (of: TaskRow['uids']): string => `${of.real} ${of.effective} ${of.saved} ${of.fs}`;
  const caps = capNames(row.effective);
  return (
    <Card title={`Credentials of ${row.tid} ${row.comm}`}>
      <dl class="facts">
        <dt>User ids</dt>
        <dd class="mono">{ids(row.uids)}</dd>
        <dt>Group ids</dt>
        <dd class="mono">{ids(row.gids)}</dd>
        <dt>Groups</dt>
        <dd class="mono">{row.groups.length === 0 ? 'none' : row.groups.join(' ')}</dd>
        <dt>Dumpable</dt>
        <dd>{row.dumpable === null ? '–' : DUMPABLE[row.dumpable]}</dd>
        <dt>Parent</dt>
        <dd class="mono">{row.ppid}</dd>
        <dt>Traced by</dt>
        <dd class="mono">{row.tracer === 0 ? 'nobody' : row.tracer}</dd>
        <dt>Capabilities</dt>
        <dd class="badges">
          {caps.length === 0 && 'none'}
          {caps.length === CAPS.length && <Badge kind="accent">all {CAPS.length}</Badge>}
          {caps.length < CAPS.length && caps.map((cap) => <Badge key={cap}>{cap}</Badge>)}
        </dd>
      </dl>
      <p class="hint">User and group ids: real, effective, saved, filesystem.</p>
    </Card>
  );
}

function NewTask({ onMake }: { onMake(comm: string, uid: number): void }): JSX.Element {
  const [comm, setComm] = useState('visitor');
  const [uid, setUid] = useState('1001');
  const wrong = /^\d{1,9}$/.test(uid) ? null : 'A user is a number, such as 1001.';
  const make = (): void => {
    if (wrong === null && comm !== '') onMake(comm, Number(uid));
  };
  return (
    <Card title="A process to act as">
      <p>
        Make one, and choose it above under “Acting as”: reads and writes are then made with its
        rights.
      </p>
      <div class="form-row">
        <Field label="Name" value={comm} onInput={setComm} onEnter={make} width="14ch" />
        <Field
          label="User"
          value={uid}
          onInput={setUid}
          onEnter={make}
          error={wrong}
          mono
          width="12ch"
        />
        <Button onClick={make} disabled={wrong !== null || comm === ''}>
          Make
        </Button>
      </div>
    </Card>
  );
}
