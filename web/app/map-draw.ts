import type { PageCounts } from '../worker/maps.js';
import { formatAddress, formatSize } from './format.js';
import type { MapLayout, MapView } from './map-layout.js';
import { lookOf, type PermLook, permsText } from './perms.js';

/** Heights, CSS pixels: addresses, the mappings, what is in memory, the whole map below. */
export const RULER = 22;
export const BAND = 92;
export const PAGES = 20;
export const OVERVIEW = 14;
export const MAP_HEIGHT = RULER + BAND + 4 + PAGES + 12 + OVERVIEW + 2;

const PAGE = 4096;

/** Pages of mappings that were counted, by index of the mapping and for the view they were asked for. */
export interface CountedPages {
  readonly index: number;
  /** The stretch of the mapping. */
  readonly start: number;
  readonly end: number;
  readonly counts: PageCounts;
}

/** All that a drawing shows. */
export interface MapScene {
  readonly layout: MapLayout;
  readonly view: MapView;
  /** CSS pixels. */
  readonly width: number;
  /** The mapping that is selected, or -1. */
  readonly selected: number;
  readonly addr: number | null;
  readonly counted: readonly CountedPages[];
}

interface Pen {
  readonly context: CanvasRenderingContext2D;
  colour(name: string): string;
  readonly patterns: Readonly<Record<PermLook, string | CanvasPattern>>;
}

/** Draws the map. */
export function drawMap(canvas: HTMLCanvasElement, scene: MapScene): void {
  const ratio = devicePixelRatio;
  const [width, height] = [Math.round(scene.width * ratio), Math.round(MAP_HEIGHT * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, scene.width, MAP_HEIGHT);
  const pen = makePen(context, getComputedStyle(canvas));
  drawBand(pen, scene);
  drawCounted(pen, scene);
  drawCursor(pen, scene);
  drawOverview(pen, scene);
}

function makePen(context: CanvasRenderingContext2D, style: CSSStyleDeclaration): Pen {
  const known = new Map<string, string>();
  const colour = (name: string): string => {
    let value = known.get(name);
    if (value === undefined) {
      value = resolveColour(context, style.getPropertyValue(`--${name}`), style);
      known.set(name, value);
    }
    return value;
  };
  const looks: readonly PermLook[] = ['none', 'r', 'rw', 'rx', 'rwx', 'other'];
  const patterns = Object.fromEntries(
    looks.map((look) => [
      look,
      patternOf(context, look, colour(`perm-${look}`), colour('surface')),
    ]),
  ) as Pen['patterns'];
  return { context, colour, patterns };
}

/** A canvas does not know light-dark(): the scheme in use chooses. */
function resolveColour(
  context: CanvasRenderingContext2D,
  value: string,
  style: CSSStyleDeclaration,
): string {
  const parts = /light-dark\(\s*([^,]+),\s*([^)]+)\)/.exec(value);
  if (parts === null) return value.trim() || String(context.fillStyle);
  return (isDark(style) ? parts[2] : parts[1])?.trim() ?? '';
}

function isDark(style: CSSStyleDeclaration): boolean {
  if (style.colorScheme === 'dark' || style.colorScheme === 'light')
    return style.colorScheme === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

/** Not only the colour tells: r has diagonals, rx level lines, none dots, rwx a grid; rw is plain. */
function patternOf(
  context: CanvasRenderingContext2D,
  look: PermLook,
  colour: string,
  paper: string,
): string | CanvasPattern {
  if (look === 'rw') return colour;
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const pen = tile.getContext('2d');
  if (pen === null) return colour;
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 8, 8);
  pen.globalAlpha = 0.32;
  pen.strokeStyle = pen.fillStyle = paper;
  pen.lineWidth = 1.5;
  pen.beginPath();
  const line = (x1: number, y1: number, x2: number, y2: number): void => {
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
  };
  if (look === 'r') [-8, 0, 8].forEach((x) => line(x, 8, x + 8, 0));
  if (look === 'other') [0, 8, 16].forEach((x) => line(x, 8, x - 8, 0));
  // Upright lines alone would look like the borders of pages.
  if (look === 'rx' || look === 'rwx') line(0, 4, 8, 4);
  if (look === 'rwx') line(4, 0, 4, 8);
  if (look === 'none') pen.fillRect(2, 2, 3, 3);
  pen.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}

function drawBand(pen: Pen, scene: MapScene): void {
  const { layout, view, width } = scene;
  const first = Math.max(0, layout.lastFrom(view.left));
  let lastLabel = -Infinity;
  let filledTo = -Infinity;
  for (let i = first; i < layout.columns.count; i++) {
    const x = (layout.left[i]! - view.left) * view.scale;
    if (x > width) break;
    const w = layout.width[i]! * view.scale;
    // Of mappings narrower than a pixel only the first of each pixel is drawn.
    if (x + w < filledTo) continue;
    filledTo = Math.ceil(x + Math.max(w, 0.5));
    drawMapping(pen, scene, i, x, w);
    drawBreak(pen, scene, i, x);
    if (x > lastLabel && x >= -1 && x < width - 104) {
      lastLabel = x + 112;
      drawAddress(pen, layout.columns.start[i]!, x);
    }
  }
}

function drawAddress(pen: Pen, addr: number, x: number): void {
  const { context } = pen;
  context.font = '11px ui-monospace, monospace';
  context.fillStyle = pen.colour('text-soft');
  context.textBaseline = 'alphabetic';
  context.fillText(formatAddress(addr), x, 12);
  context.fillRect(x, 16, 1, RULER - 16);
}

function drawMapping(
  pen: Pen,
  { layout, width, selected }: MapScene,
  i: number,
  x: number,
  w: number,
): void {
  const { context } = pen;
  const { columns } = layout;
  const [from, to] = [Math.max(x, -2), Math.min(x + w, width + 2)];
  const gap = w > 4 ? 1 : 0;
  context.fillStyle = pen.patterns[lookOf(columns.perms[i]!)];
  context.fillRect(from, RULER, Math.max(to - from - gap, 1), BAND);
  drawPageLines(pen, layout, i, x, w, width);
  if (to - from >= 44) drawLabel(pen, layout, i, from, to);
  if (i === selected) {
    context.strokeStyle = pen.colour('text');
    context.lineWidth = 2;
    context.strokeRect(from + 1, RULER + 1, Math.max(to - from - gap - 2, 1), BAND - 2);
  }
}

/** From a certain zoom on single pages are seen. */
function drawPageLines(
  pen: Pen,
  layout: MapLayout,
  i: number,
  x: number,
  w: number,
  width: number,
): void {
  const pages = layout.pages(i);
  const step = w / pages;
  if (step < 5 || pages < 2) return;
  pen.context.fillStyle = pen.colour('surface');
  pen.context.globalAlpha = 0.55;
  for (let page = Math.max(1, Math.ceil(-x / step)); page < pages; page++) {
    const at = x + page * step;
    if (at > width) break;
    pen.context.fillRect(at - 1, RULER, 1, BAND);
  }
  pen.context.globalAlpha = 1;
}

function drawLabel(pen: Pen, layout: MapLayout, i: number, from: number, to: number): void {
  const { context } = pen;
  const { columns } = layout;
  const name = columns.paths[columns.path[i]!] || 'anonymous';
  const room = to - from - 10;
  context.save();
  context.beginPath();
  context.rect(from + 3, RULER + 5, room + 2, 54);
  context.fillStyle = pen.colour('surface');
  context.globalAlpha = 0.88;
  context.fill();
  context.globalAlpha = 1;
  context.clip();
  context.fillStyle = pen.colour('text');
  context.font = '600 12px ui-monospace, monospace';
  context.fillText(permsText(columns.perms[i]!), from + 7, RULER + 20);
  context.font = '12px system-ui, sans-serif';
  context.fillText(name.slice(name.lastIndexOf('/') + 1), from + 7, RULER + 36);
  context.fillStyle = pen.colour('text-soft');
  context.fillText(formatSize(columns.end[i]! - columns.start[i]!), from + 7, RULER + 52);
  context.restore();
}

/** The hole before a mapping: two slanted lines, and its size where there is room. */
function drawBreak(
  pen: Pen,
  { layout, view: { scale }, width }: MapScene,
  i: number,
  x: number,
): void {
  const before = i === 0 ? 0 : layout.columns.end[i - 1]!;
  const hole = layout.columns.start[i]! - before;
  const room =
    (layout.left[i]! - (i === 0 ? 0 : layout.left[i - 1]! + layout.width[i - 1]!)) * scale;
  if (hole === 0 || room < 4) return;
  const { context } = pen;
  context.strokeStyle = pen.colour('line-strong');
  context.lineWidth = 1;
  // In the middle of what is seen of it.
  const middle = (Math.max(0, x - room) + Math.min(width, x)) / 2;
  context.beginPath();
  for (const at of [middle - 2, middle + 2]) {
    context.moveTo(at - 2, RULER + BAND - 6);
    context.lineTo(at + 2, RULER + BAND - 22);
  }
  context.stroke();
  if (room < 52) return;
  context.textAlign = 'center';
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = pen.colour('text-soft');
  context.fillText(formatSize(hole), middle, RULER + BAND / 2);
  context.fillText('nothing', middle, RULER + BAND / 2 + 14);
  context.textAlign = 'start';
}

/** What is in memory: own pages full, shared and copy-on-write ones by height and pattern. */
function drawCounted(pen: Pen, { layout, view, counted }: MapScene): void {
  const { context } = pen;
  const y = RULER + BAND + 4;
  if (counted.length === 0 && layout.columns.count > 0) {
    context.font = '12px system-ui, sans-serif';
    context.fillStyle = pen.colour('text-soft');
    context.fillText('Zoom in to see which pages are in memory.', 0, y + 15);
  }
  for (const { index, start, end, counts } of counted) {
    if (index >= layout.columns.count) continue;
    const from = (layout.placeOf(start) - view.left) * view.scale;
    const whole = layout.left[index]! + layout.width[index]!;
    const last = end >= layout.columns.end[index]! ? whole : layout.placeOf(end);
    const step = ((last - view.left) * view.scale - from) / counts.pages.length;
    context.fillStyle = pen.colour('line');
    context.fillRect(from, y, step * counts.pages.length - 1, PAGES);
    counts.pages.forEach((pages, i) => {
      const x = from + i * step;
      const cow = counts.present[i]! - counts.exclusive[i]! - sharedOnly(counts, i);
      const bars = [
        [counts.exclusive[i]! / pages, 'accent'],
        [sharedOnly(counts, i) / pages, 'perm-other'],
        [Math.max(0, cow) / pages, 'warn'],
      ] as const;
      let bottom = y + PAGES;
      for (const [share, name] of bars) {
        if (share <= 0) continue;
        const h = Math.max(2, share * PAGES);
        context.fillStyle = pen.colour(name);
        context.fillRect(x, bottom - h, Math.max(step - (step > 4 ? 1 : 0), 0.6), h);
        bottom -= h;
      }
    });
  }
}

/** Pages of files and of shared memory that others may have too. */
function sharedOnly(counts: PageCounts, i: number): number {
  return Math.min(counts.shared[i]!, counts.present[i]! - counts.exclusive[i]!);
}

function drawCursor(pen: Pen, { layout, view, addr, width }: MapScene): void {
  if (addr === null || layout.holding(addr) < 0) return;
  const x = (layout.placeOf(addr - (addr % PAGE)) - view.left) * view.scale;
  if (x < -1 || x > width) return;
  pen.context.fillStyle = pen.colour('text');
  pen.context.fillRect(x - 1, RULER - 4, 2, BAND + PAGES + 10);
}

function drawOverview(pen: Pen, { layout, view, width }: MapScene): void {
  const { context } = pen;
  const y = MAP_HEIGHT - OVERVIEW - 1;
  const scale = width / layout.total;
  let filledTo = -1;
  for (let i = 0; i < layout.columns.count; i++) {
    const x = layout.left[i]! * scale;
    const w = layout.width[i]! * scale;
    if (x + w < filledTo) continue;
    filledTo = Math.ceil(x + Math.max(w, 0.5));
    context.fillStyle = pen.colour(`perm-${lookOf(layout.columns.perms[i]!)}`);
    context.fillRect(x, y + 3, Math.max(w, 0.8), OVERVIEW - 6);
  }
  context.strokeStyle = pen.colour('text');
  context.lineWidth = 1.5;
  const w = Math.max(3, (width / view.scale) * scale);
  context.strokeRect(view.left * scale + 1, y, Math.min(w, width) - 2, OVERVIEW);
}
