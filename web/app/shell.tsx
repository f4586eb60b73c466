import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Client } from './client.js';
import { DropTarget } from './drop-target.js';
import { HelpDialog } from './help.js';
import { useOpening } from './opening.js';
import { type PanelSpec, PANELS } from './panels.js';
import { linkTo, select, type Selection, useSelection } from './selection.js';
import { useShortcuts } from './shortcuts.js';
import { useStore } from './store.js';
import { TaskBar } from './task-bar.js';
import { ThemeButton } from './theme.js';
import { Button, Empty, FailureNotice } from './ui.js';

const GROUPS = ['Start', 'Process', 'Thread', 'Kernel', 'Learn'] as const;

/** The whole page: sidebar, the bar that says what is looked at, and the panel. */
export function Shell({ client }: { readonly client: Client }): JSX.Element {
  const { info, count } = useOpening();
  const [{ panel }] = useSelection();
  const [help, setHelp] = useState(false);
  const failure = useStore(client.failure);
  useShortcuts(() => setHelp(true));
  const spec = PANELS.find(({ id }) => id === panel) ?? PANELS[0];
  useFocusOnPanel(panel);
  useVisibleLink();
  useEffect(() => {
    const name = info === null ? 'procmem' : `${info.label} · procmem`;
    document.title = spec === undefined ? name : `${spec.title} · ${name}`;
  }, [info, spec]);
  return (
    <DropTarget client={client}>
      <a class="skip" href="#main" onClick={skipToPanel}>
        Skip to the panel
      </a>
      <div class="shell">
        <Sidebar current={panel} onHelp={() => setHelp(true)} />
        <div class="stage">
          {info !== null && <TaskBar client={client} info={info} key={count} />}
          <main id="main" class="main" tabIndex={-1}>
            {failure !== null && (
              <FailureNotice title="The machine has stopped" failure={failure}>
                <p>Load the page again.</p>
              </FailureNotice>
            )}
            {spec !== undefined && (
              <PanelPlace
                key={spec.stays === true ? spec.id : `${spec.id} ${count}`}
                spec={spec}
                client={client}
              />
            )}
          </main>
        </div>
      </div>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </DropTarget>
  );
}

function PanelPlace(props: { readonly spec: PanelSpec; readonly client: Client }): JSX.Element {
  const { info, busy } = useOpening();
  const { Panel, needs, title } = props.spec;
  if (needs === 'nothing' || info !== null) return <Panel client={props.client} info={info} />;
  return (
    <Empty title={busy === null ? `${title}: nothing is open yet` : `Opening ${busy} …`}>
      {busy === null && (
        <>
          <p>Drop a core or a snapshot anywhere on this page, or start with a demo.</p>
          <Button kind="main" onClick={() => select({ panel: 'open' })}>
            Open something
          </Button>
        </>
      )}
    </Empty>
  );
}

function Sidebar(props: { readonly current: string; onHelp(): void }): JSX.Element {
  const { info } = useOpening();
  return (
    <nav class="sidebar" aria-label="Panels">
      <a class="brand" href={pageLink({ panel: 'open' })} aria-label="procmem, the start">
        <span class="brand-mark" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
        </span>
        <span class="brand-name">procmem</span>
      </a>
      <div class="sidebar-groups">
        {GROUPS.map((group) => (
          <PanelLinks key={group} group={group} current={props.current} open={info !== null} />
        ))}
      </div>
      <div class="sidebar-foot">
        <ThemeButton />
        <Button
          kind="quiet"
          label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={props.onHelp}
        >
          ?
        </Button>
      </div>
    </nav>
  );
}

function PanelLinks(props: {
  readonly group: (typeof GROUPS)[number];
  readonly current: string;
  readonly open: boolean;
}): JSX.Element | null {
  const [selected] = useSelection();
  const panels = PANELS.filter(({ group }) => group === props.group);
  if (panels.length === 0) return null;
  return (
    <div class="sidebar-group">
      <h2>{props.group}</h2>
      <ul>
        {panels.map(({ id, title, about, needs }) => (
          <li key={id}>
            <a
              href={pageLink({ ...selected, panel: id })}
              class={needs === 'machine' && !props.open ? 'waits' : ''}
              aria-current={id === props.current ? 'page' : undefined}
              title={about}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                select({ panel: id });
              }}
            >
              {title}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A page that becomes narrow has another strip of links than before. */
function useVisibleLink(): void {
  useEffect(() => {
    addEventListener('resize', showCurrentLink);
    return () => removeEventListener('resize', showCurrentLink);
  }, []);
}

/** After a change of panel the keyboard goes on in it, as after a page load. */
function useFocusOnPanel(panel: string): void {
  const before = useRef(panel);
  useEffect(() => {
    showCurrentLink();
    if (before.current === panel) return;
    before.current = panel;
    const active = document.activeElement;
    if (active === null || active === document.body || active.closest('.sidebar') !== null) {
      document.querySelector<HTMLElement>('.main h1')?.focus({ preventScroll: true });
    }
  }, [panel]);
}

/** Whole: a bare fragment that is scrolled out of sight is taken for a skip link by checkers. */
function pageLink(change: Partial<Selection>): string {
  return new URL(linkTo(change), location.href).href;
}

/** On a narrow page the links are a strip that scrolls: the one of this panel is to be seen. */
function showCurrentLink(): void {
  document
    .querySelector('.sidebar [aria-current]')
    ?.scrollIntoView({ block: 'nearest', inline: 'center' });
}

/** The fragment of the address bar is the selection: a plain jump would lose it. */
function skipToPanel(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
