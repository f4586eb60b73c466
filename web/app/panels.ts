import type { ComponentType } from 'preact';

import type { SessionInfo } from '../worker/session.js';
import { HexPanel } from '../panels/hex.js';
import { MapPanel } from '../panels/map.js';
import { OpenPanel } from '../panels/open.js';
import { SearchPanel } from '../panels/search.js';
import { TasksPanel } from '../panels/tasks.js';
import { CowPanel } from '../panels/cow.js';
import { DisassemblyPanel } from '../panels/disassembly.js';
import { ExplainPanel } from '../panels/explain.js';
import { RunPanel } from '../panels/run.js';
import { RegistersPanel } from '../panels/registers.js';
import { SpeedPanel } from '../panels/speed.js';
import { StackPanel } from '../panels/stack.js';
import { TourPanel } from '../panels/tour.js';
import { WalkPanel } from '../panels/walk.js';
import type { Client } from './client.js';

/** What every panel is given; the selection comes from useSelection(). */
export interface PanelProps {
  readonly client: Client;
  /** Null before anything is open: only panels with `needs: 'nothing'` see that. */
  readonly info: SessionInfo | null;
}

/** A panel, as sidebar and shortcuts know it. */
export interface PanelSpec {
  /** In deep links: lower case letters and hyphens. */
  readonly id: string;
  readonly title: string;
  /** What it shows, one short sentence. */
  readonly about: string;
  /** The letter that leads there after `g`. */
  readonly key: string;
  readonly group: 'Start' | 'Process' | 'Thread' | 'Kernel' | 'Learn';
  /** Whether it needs something opened before. */
  readonly needs: 'nothing' | 'machine';
  /** Whether it stays as it is when something else is opened; others begin anew. */
  readonly stays?: true;
  readonly Panel: ComponentType<PanelProps>;
}

/** All panels, in the order of the sidebar. */
export const PANELS: readonly PanelSpec[] = [
  {
    id: 'open',
    title: 'Open',
    about: 'Open a core, a snapshot or a demo.',
    key: 'o',
    group: 'Start',
    needs: 'nothing',
    Panel: OpenPanel,
  },
  {
    id: 'run',
    title: 'Run',
    about: 'A RISC-V Linux program, with a terminal.',
    key: 'x',
    group: 'Start',
    needs: 'nothing',
    stays: true,
    Panel: RunPanel,
  },
  {
    id: 'tasks',
    title: 'Tasks',
    about: 'Processes and threads, and who they are.',
    key: 't',
    group: 'Process',
    needs: 'machine',
    Panel: TasksPanel,
  },
  {
    id: 'map',
    title: 'Address space',
    about: 'The mappings of a process, as a map and as a list.',
    key: 'm',
    group: 'Process',
    needs: 'machine',
    Panel: MapPanel,
  },
  {
    id: 'hex',
    title: 'Memory',
    about: 'The bytes of a process, read and written.',
    key: 'h',
    group: 'Process',
    needs: 'machine',
    Panel: HexPanel,
  },
  {
    id: 'search',
    title: 'Search',
    about: 'Text, bytes, expressions and integers in memory.',
    key: 's',
    group: 'Process',
    needs: 'machine',
    Panel: SearchPanel,
  },
  {
    id: 'stack',
    title: 'Stack',
    about: 'How each thread got where it is.',
    key: 'k',
    group: 'Thread',
    needs: 'machine',
    Panel: StackPanel,
  },
  {
    id: 'registers',
    title: 'Registers',
    about: 'What the thread had in its registers.',
    key: 'r',
    group: 'Thread',
    needs: 'machine',
    Panel: RegistersPanel,
  },
  {
    id: 'disassembly',
    title: 'Disassembly',
    about: 'The instructions around an address.',
    key: 'd',
    group: 'Thread',
    needs: 'machine',
    Panel: DisassemblyPanel,
  },
  {
    id: 'walk',
    title: 'Page walk',
    about: 'How the CPU finds the page of an address.',
    key: 'w',
    group: 'Kernel',
    needs: 'machine',
    Panel: WalkPanel,
  },
  {
    id: 'access',
    title: 'Access',
    about: 'Who may look into whom, check by check.',
    key: 'a',
    group: 'Kernel',
    needs: 'nothing',
    Panel: ExplainPanel,
  },
  {
    id: 'cow',
    title: 'Copy-on-write',
    about: 'A fork, and what writes cost after it.',
    key: 'c',
    group: 'Kernel',
    needs: 'nothing',
    Panel: CowPanel,
  },
  {
    id: 'tour',
    title: 'Tour',
    about: 'The crash that this project began with.',
    key: 'u',
    group: 'Learn',
    needs: 'nothing',
    Panel: TourPanel,
  },
  {
    id: 'speed',
    title: 'Copy speed',
    about: 'Reads through mem beside plain copies.',
    key: 'p',
    group: 'Learn',
    needs: 'nothing',
    Panel: SpeedPanel,
  },
];
