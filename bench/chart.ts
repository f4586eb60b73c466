// The chart of docs/throughput.svg: bytes a second of one read, by its size. Vega draws it without a
// browser or a DOM; the colours of dark pages are added to what it drew.
import { parse, type Spec, View } from 'vega';

import { listNodes, type Result, spreadOfNs, spreadOfRatio } from './results.js';

/** The plot's; the margins around it hold the title, and what the axes say. */
const WIDTH = 700;
const HEIGHT = 400;
const MARGIN = { left: 94, right: 36, top: 86, bottom: 56 };
/** Left of the first points: there each line has its name. */
const NAMES_WIDTH = 150;
const NAME_HEIGHT = 15;
const FONT = 'system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif';

/** After Okabe and Ito, told apart also by the colour-blind: on a light page, on a dark one. */
const INK = {
  blue: ['#0068ad', '#5ab4f0'],
  orange: ['#c25100', '#f28c3a'],
  green: ['#00795a', '#2fc79b'],
  purple: ['#a8467f', '#e08fc0'],
  grey: ['#5b6470', '#aab4c0'],
  text: ['#1f2328', '#e6edf3'],
  faint: ['#59636e', '#9aa5b1'],
  grid: ['#e4e8ec', '#262d36'],
  paper: ['#ffffff', '#0d1117'],
} as const;

const light = (ink: keyof typeof INK): string => INK[ink][0];

interface Series {
  /** The baseline of bench/read.ts; null is the machine itself. */
  readonly baseline: string | null;
  readonly name: string;
  readonly ink: keyof typeof INK;
  readonly shape: string;
  /** A line of dashes, for what enters a kernel. */
  readonly isSystemCall: boolean;
}

const SERIES: readonly Series[] = [
  { baseline: 'memcpy', name: 'memcpy', ink: 'grey', shape: 'diamond', isSystemCall: false },
  { baseline: 'v86', name: 'v86 read_memory', ink: 'purple', shape: 'square', isSystemCall: false },
  { baseline: 'kernel', name: 'Linux', ink: 'orange', shape: 'triangle-up', isSystemCall: true },
  { baseline: 'gvisor', name: 'gVisor', ink: 'green', shape: 'triangle-down', isSystemCall: true },
  { baseline: null, name: 'procmem', ink: 'blue', shape: 'circle', isSystemCall: false },
];

interface Point {
  readonly size: number;
  /** Bytes a second. */
  readonly rate: number;
}

function pointsOf({ baseline }: Series, results: readonly Result[], node: string): Point[] {
  const names = [...new Set(results.map((result) => result.case))];
  return names
    .flatMap((name): Point[] => {
      const size = Number(/^read\/(\d+)$/.exec(name)?.[1]);
      const ns = spreadOfNs(results, node, name);
      const ratio =
        baseline === null ? { median: 1 } : spreadOfRatio(results, node, name, baseline);
      if (Number.isNaN(size) || ns === null || ratio === null) return [];
      return [{ size, rate: (size / (ns.median * ratio.median)) * 1e9 }];
    })
    .sort((a, b) => a.size - b.size);
}

/** Heights of names, apart from each other and as near as may be to the lines that they name. */
function placeNames(wanted: readonly number[]): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed: number[] = [];
  let lowest = -Infinity;
  for (const index of order) {
    lowest = Math.max(wanted[index]!, lowest + NAME_HEIGHT);
    placed[index] = lowest;
  }
  return placed;
}

interface Line extends Series {
  readonly points: readonly Point[];
}

function linesOf(results: readonly Result[], node: string): Line[] {
  return SERIES.map((series) => ({ ...series, points: pointsOf(series, results, node) })).filter(
    ({ points }) => points.length > 0,
  );
}

function marksOf(line: Line, index: number, nameY: number): NonNullable<Spec['marks']> {
  const color = { value: light(line.ink) };
  const isOurs = line.baseline === null;
  const x = { scale: 'size', field: 'size' };
  const y = { scale: 'rate', field: 'rate' };
  const strokeDash = { value: line.isSystemCall ? [6, 4] : [] };
  const strokeWidth = { value: isOurs ? 3.5 : 2 };
  const from = { data: `line-${index}` };
  const edge = { stroke: { value: light('paper') }, strokeWidth: { value: 1.5 } };
  const size = { value: isOurs ? 90 : 70 };
  const shape = { value: line.shape };
  const name = {
    x: { value: NAMES_WIDTH - 14 },
    y: { value: nameY },
    text: { value: line.name },
    align: { value: 'right' },
    baseline: { value: 'middle' },
    font: { value: FONT },
    fontSize: { value: isOurs ? 15 : 13 },
    fontWeight: { value: isOurs ? 700 : 500 },
  } as const;
  const halo = { ...name, stroke: { value: light('paper') }, strokeWidth: { value: 5 } };
  return [
    { type: 'line', from, encode: { enter: { x, y, stroke: color, strokeWidth, strokeDash } } },
    { type: 'symbol', from, encode: { enter: { x, y, shape, size, fill: color, ...edge } } },
    { type: 'text', encode: { enter: halo } },
    { type: 'text', encode: { enter: { ...name, fill: color } } },
  ];
}

const AXIS = {
  domain: false,
  ticks: false,
  grid: true,
  gridColor: light('grid'),
  labelColor: light('faint'),
  labelFont: FONT,
  labelFontSize: 12,
  labelPadding: 8,
  titleColor: light('faint'),
  titleFont: FONT,
  titleFontSize: 12,
  titleFontWeight: 'normal',
  titlePadding: 12,
} as const;

const RATE_LABEL = `datum.value >= 1e9 ? datum.value / 1e9 + ' GB/s' :
  datum.value >= 1e6 ? datum.value / 1e6 + ' MB/s' : datum.value / 1e3 + ' KB/s'`;
const SIZE_LABEL = `datum.value >= 1048576 ? datum.value / 1048576 + ' MiB' :
  datum.value >= 1024 ? datum.value / 1024 + ' KiB' : datum.value + ' B'`;

function axesOf(sizes: readonly number[], decades: readonly number[]): NonNullable<Spec['axes']> {
  const text = (signal: string) => ({ labels: { update: { text: { signal } } } });
  return [
    {
      ...AXIS,
      orient: 'bottom',
      scale: 'size',
      values: [...sizes],
      title: 'bytes of one read',
      titleX: (NAMES_WIDTH + WIDTH) / 2,
      encode: text(SIZE_LABEL),
    },
    {
      ...AXIS,
      orient: 'left',
      scale: 'rate',
      values: decades.map((decade) => 10 ** decade),
      encode: text(RATE_LABEL),
    },
  ];
}

function titleOf(lines: readonly Line[], node: string): NonNullable<Spec['title']> {
  const calls = lines.filter(({ isSystemCall }) => isSystemCall).map(({ name }) => name);
  const kinds =
    calls.length === 0
      ? 'Every line is a call inside a process.'
      : `Solid: a call inside a process. Dashed: a system call (${calls.join(', ')}).`;
  return {
    text: 'Reading memory through /proc/PID/mem: throughput by size',
    subtitle: [`${kinds} Node ${node}, one thread, both axes logarithmic.`],
    anchor: 'start',
    frame: 'group',
    dx: 24 - MARGIN.left,
    color: light('text'),
    font: FONT,
    fontSize: 17,
    fontWeight: 600,
    subtitleColor: light('faint'),
    subtitleFont: FONT,
    subtitleFontSize: 13,
    subtitlePadding: 6,
    offset: 18,
  };
}

function specOf(lines: readonly Line[], node: string): Spec {
  const points = lines.flatMap((line) => line.points);
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);
  const exponents = points.map(({ rate }) => Math.log10(rate));
  const first = Math.floor(Math.min(...exponents));
  const last = Math.ceil(Math.max(...exponents));
  const decades = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const heightOf = (rate: number): number =>
    HEIGHT * (1 - (Math.log10(rate) - first) / (last - first));
  const names = placeNames(lines.map((line) => heightOf(line.points[0]?.rate ?? 1)));
  return {
    width: WIDTH,
    height: HEIGHT,
    padding: MARGIN,
    autosize: 'none',
    background: light('paper'),
    data: lines.map((line, index) => ({ name: `line-${index}`, values: [...line.points] })),
    scales: [
      {
        name: 'size',
        type: 'log',
        base: 2,
        domain: [sizes[0] ?? 1, sizes.at(-1) ?? 2],
        range: [NAMES_WIDTH, WIDTH],
      },
      {
        name: 'rate',
        type: 'log',
        domain: [10 ** first, 10 ** last],
        range: [HEIGHT, 0],
      },
    ],
    title: titleOf(lines, node),
    axes: axesOf(sizes, decades),
    marks: lines.flatMap((line, index) => marksOf(line, index, names[index] ?? 0)),
  };
}

/** Every colour as it is on a dark page. */
function darkRules(): string {
  const rules = Object.values(INK).flatMap(([day, night]) =>
    ['fill', 'stroke'].map((what) => `[${what}="${day}"]{${what}:${night}}`),
  );
  return `<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`;
}

/** Digits that no eye sees differ between engines: none is kept. A version of Node is no such number. */
function roundNumbers(svg: string): string {
  return svg.replace(/(?<![\d.])\d+\.\d{2,}(?![\d.])/g, (number) =>
    String(Number(Number(number).toFixed(1))),
  );
}

/**
 * Draws the reads among the results, those on the oldest Node that was measured.
 * @throws {RangeError} when there is no read among them.
 */
export async function drawThroughput(results: readonly Result[]): Promise<string> {
  const reads = results.filter((result) => result.case.startsWith('read/'));
  const node = listNodes(reads)[0];
  if (node === undefined) throw new RangeError('no read/SIZE among the results');
  const view = new View(parse(specOf(linesOf(reads, node), node)), { renderer: 'none' });
  const svg = roundNumbers(await view.toSVG());
  view.finalize();
  return `${svg.replace(/<svg[^>]*>/, (tag) => `${tag}${darkRules()}`)}\n`;
}
