import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';

import { formatSize } from '../app/format.js';
import { SPEED_SIZES } from '../worker/speed-sizes.js';
import type { SpeedRow } from '../worker/speed.js';

const HEIGHT = 300;
/** What the scales begin with, in GB/s: the plot does not jump while the first numbers come in. */
const LOWEST = 0.01;
const HIGHEST = 300;

/** The throughputs by size, both scales logarithmic. The table beside it says the same. */
export function SpeedPlot({ rows }: { readonly rows: readonly SpeedRow[] }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = useRef(dataOf(rows));
  data.current = dataOf(rows);
  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    let gone = false;
    let stopFollowing = (): void => {};
    import('uplot').then(
      ({ default: UPlot }) => {
        if (gone) return;
        const draw = (): void => {
          plot.current?.destroy();
          plot.current = new UPlot(optionsFor(UPlot, box), data.current, box);
        };
        draw();
        stopFollowing = followLooks(box, draw);
      },
      () => (box.textContent = 'The plot could not be loaded. Load the page again.'),
    );
    return () => {
      gone = true;
      stopFollowing();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data.current), [rows]);
  return (
    <div
      class="plot"
      ref={place}
      role="img"
      aria-label="Throughput by size; the table below has the numbers"
    />
  );
}

/** Draws again when the width or the colours change. */
function followLooks(box: HTMLElement, draw: () => void): () => void {
  let width = box.clientWidth;
  const sizes = new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw();
  });
  sizes.observe(box);
  const theme = new MutationObserver(draw);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', draw);
  return () => {
    sizes.disconnect();
    theme.disconnect();
    scheme.removeEventListener('change', draw);
  };
}

function dataOf(rows: readonly SpeedRow[]): uPlot.AlignedData {
  const bySize = new Map(rows.map((row) => [row.size, row]));
  const column = (of: 'mem' | 'memcpy'): (number | null)[] =>
    SPEED_SIZES.map((size) => {
      const speed = bySize.get(size)?.[of];
      return speed === undefined ? null : speed / 1e9;
    });
  return [[...SPEED_SIZES], column('mem'), column('memcpy')];
}

/** The colour that a token has here: canvases know no custom properties. */
function colour(box: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  box.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function optionsFor(UPlot: typeof uPlot, box: HTMLElement): uPlot.Options {
  const text = colour(box, '--text-soft');
  const grid = { stroke: colour(box, '--line'), width: 1 };
  const font = '12px system-ui, sans-serif';
  // Logarithmic scales leave labels out unless told not to.
  const filter = (_: uPlot, splits: number[]): number[] => splits;
  const axis = { stroke: text, grid, ticks: grid, font, labelFont: font, filter };
  const line = (label: string, token: string, dash?: number[]): uPlot.Series => ({
    label,
    stroke: colour(box, token),
    width: 2,
    points: { show: true, size: 6, fill: colour(box, token) },
    // Null where nothing was measured yet, whatever the type says.
    value: (_, value) => (Number.isFinite(value) ? formatSpeed(value * 1e9) : '–'),
    ...(dash === undefined ? {} : { dash }),
  });
  const few = box.clientWidth < 500;
  return {
    width: box.clientWidth,
    height: HEIGHT,
    scales: {
      x: { time: false, distr: 3, log: 2 },
      y: { distr: 3, log: 10, range: (_, low, high) => rangeOf(low, high) },
    },
    series: [
      {
        label: 'At a time',
        value: (_, value) => (Number.isFinite(value) ? formatSize(value) : '–'),
      },
      line('mem read', '--accent'),
      line('plain copy', '--warn', [6, 4]),
    ],
    axes: [
      {
        ...axis,
        splits: SPEED_SIZES.filter((_, i) => !few || i % 3 === 0) as number[],
        values: (_, splits) => splits.map((split) => formatSize(split)),
      },
      {
        ...axis,
        size: 78,
        splits: (_, __, low, high) =>
          [0.001, 0.01, 0.1, 1, 10, 100, 1000].filter((v) => v >= low && v <= high),
        values: (_, splits) => splits.map((split) => `${split} GB/s`),
      },
    ],
    cursor: { points: { size: 8 }, drag: { x: false, y: false } },
    legend: { live: true },
    padding: [8, 28, 0, 0],
    pxAlign: UPlot.pxRatio === 1 ? 1 : 0,
  };
}

function rangeOf(low: number | null, high: number | null): uPlot.Range.MinMax {
  return [Math.min(low ?? LOWEST, LOWEST), Math.max(high ?? HIGHEST, HIGHEST)];
}

/** A throughput with a unit: 730 MB/s, 12.6 GB/s. */
export function formatSpeed(bytesPerSecond: number): string {
  const gigabytes = bytesPerSecond / 1e9;
  if (gigabytes < 0.995) return `${(bytesPerSecond / 1e6).toPrecision(3)} MB/s`;
  return `${gigabytes.toFixed(gigabytes < 10 ? 2 : 1)} GB/s`;
}
