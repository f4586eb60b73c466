// All that the page can ask of the worker: one table, a part from each file beside this one.
import { cowHandlers } from './cow.js';
import { disassemblyHandlers } from './disassembly.js';
import { explainHandlers } from './explain.js';
import { guestHandlers } from './guest.js';
import { registersHandlers } from './registers.js';
import { speedHandlers } from './speed.js';
import { stackHandlers } from './stack.js';
import { tourHandlers } from './tour.js';
import { tourRunHandlers } from './tour-run.js';
import { walkHandlers } from './walk.js';
import { mapHandlers } from './maps.js';
import { memoryHandlers } from './memory.js';
import { openHandlers } from './open.js';
import { searchHandlers } from './search.js';
import { taskHandlers } from './tasks.js';

/** Called as `client.call(name, args)`; each takes the session, the arguments and the call. */
export const handlers = {
  ...cowHandlers,
  ...disassemblyHandlers,
  ...explainHandlers,
  ...guestHandlers,
  ...registersHandlers,
  ...speedHandlers,
  ...stackHandlers,
  ...tourHandlers,
  ...tourRunHandlers,
  ...walkHandlers,
  ...openHandlers,
  ...mapHandlers,
  ...memoryHandlers,
  ...searchHandlers,
  ...taskHandlers,
};

/** The names with their types, for the client. */
export type Handlers = typeof handlers;
