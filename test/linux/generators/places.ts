import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PR_SET_NAME } from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';

/** A page that others try to read and write. */
export const CONTENT = 0x100000000000;
/** A page of a memfd, which map_files shows. */
export const FILE_PAGE = 0x100000020000;
/** Where calls put what is not compared, or compared in part: four pages. */
export const SINK = 0x100000010000;

/** The name bound to FILE_PAGE's descriptor, which children inherit. */
export const PLACES_FD = 'places';

/** Maps CONTENT, FILE_PAGE and SINK, and gives the task a name that /proc/PID/comm shows. */
export function mapPlaces(s: Scenario, task: string): void {
  const anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  s.call(task, 'mmap', [hex(CONTENT), PAGE, 3, anonymous, -1, 0]);
  s.poke(task, CONTENT, s.rng.hexBytes(8));
  s.call(task, 'mmap', [hex(SINK), 4 * PAGE, 3, anonymous, -1, 0]);
  s.call(task, 'prctl', [PR_SET_NAME, { str: 'places' }, 0, 0, 0]);
  const fd = { ref: PLACES_FD };
  s.bind(PLACES_FD, task, 'memfd_create', [{ str: 'places' }, 0]);
  s.call(task, 'ftruncate', [fd, PAGE]);
  s.call(task, 'mmap', [hex(FILE_PAGE), PAGE, 3, MAP_SHARED | MAP_FIXED, fd, 0]);
}
