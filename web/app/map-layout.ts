import type { MapColumns } from '../worker/maps.js';

const PAGE = 4096;
/** Width of a hole, however large it is: a break. */
const HOLE = 5;

/**
 * Where mappings lie on the map. A mapping is as wide as the logarithm of its size, so that a page
 * and a terabyte are seen side by side; inside a mapping addresses are even. Holes are breaks.
 *
 *     | 4 KiB |~| 1 MiB      |~| 64 TiB              |     units; the zoom says pixels a unit
 */
export class MapLayout {
  readonly columns: MapColumns;
  /** Left edge of each mapping, units. */
  readonly left: Float64Array;
  readonly width: Float64Array;
  /** Units of all together. */
  readonly total: number;

  constructor(columns: MapColumns) {
    this.columns = columns;
    this.left = new Float64Array(columns.count);
    this.width = new Float64Array(columns.count);
    let at = HOLE;
    for (let i = 0; i < columns.count; i++) {
      if (i > 0 && columns.start[i]! > columns.end[i - 1]!) at += HOLE;
      const pages = (columns.end[i]! - columns.start[i]!) / PAGE;
      this.left[i] = at;
      this.width[i] = 10 + 4 * Math.log2(pages);
      at += this.width[i]!;
    }
    this.total = at + HOLE;
  }

  /** Pages of a mapping. */
  pages(index: number): number {
    return (this.columns.end[index]! - this.columns.start[index]!) / PAGE;
  }

  /** The mapping at a place: -1 in a break. */
  at(units: number): number {
    const index = this.lastFrom(units);
    return index >= 0 && units < this.left[index]! + this.width[index]! ? index : -1;
  }

  /** The last mapping that begins at or before a place; -1 before the first. */
  lastFrom(units: number): number {
    return lastNotAbove(this.left, units);
  }

  /** The mapping that holds an address, or -1. */
  holding(addr: number): number {
    const index = lastNotAbove(this.columns.start, addr);
    return index >= 0 && addr < this.columns.end[index]! ? index : -1;
  }

  /** The place of an address; of one in a hole that of the mapping before it. */
  placeOf(addr: number): number {
    const index = lastNotAbove(this.columns.start, addr);
    if (index < 0) return 0;
    const start = this.columns.start[index]!;
    const share = Math.min(1, (addr - start) / (this.columns.end[index]! - start));
    return this.left[index]! + share * this.width[index]!;
  }

  /** The address at a place; in a break that of the mapping after it. */
  addressAt(units: number): number {
    const { start, end, count } = this.columns;
    const index = this.lastFrom(units);
    if (index < 0) return start[0] ?? 0;
    const share = (units - this.left[index]!) / this.width[index]!;
    if (share >= 1) return index + 1 < count ? start[index + 1]! : end[index]! - 1;
    return start[index]! + Math.floor(share * (end[index]! - start[index]!));
  }
}

function lastNotAbove(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The part of the map that is seen. */
export interface MapView {
  /** Units at the left edge. */
  readonly left: number;
  /** Pixels a unit. */
  readonly scale: number;
}

/** Widest that a page becomes, pixels. */
const WIDEST_PAGE = 56;

/** Keeps a view inside the map: not less than all of it, and not beyond its ends. */
export function clampView(layout: MapLayout, view: MapView, width: number): MapView {
  const scale = Math.max(width / layout.total, view.scale);
  const room = layout.total - width / scale;
  return { scale, left: Math.max(0, Math.min(view.left, room)) };
}

/** The scale at which the pages of the mapping at a place are as wide as they get. */
function mostScale(layout: MapLayout, units: number, width: number): number {
  const index = Math.max(0, layout.lastFrom(units));
  if (layout.columns.count === 0) return width / layout.total;
  return Math.max((WIDEST_PAGE * layout.pages(index)) / layout.width[index]!, width / layout.total);
}

/** Zooms by a factor; what lies `x` pixels from the left edge stays there. */
export function zoomView(
  layout: MapLayout,
  view: MapView,
  width: number,
  factor: number,
  x: number,
): MapView {
  const fixed = view.left + x / view.scale;
  // One who came here from a larger mapping is not thrown back by a smaller one.
  const most = Math.max(mostScale(layout, fixed, width), factor > 1 ? view.scale : 0);
  const scale = Math.max(width / layout.total, Math.min(view.scale * factor, most));
  return clampView(layout, { scale, left: fixed - x / scale }, width);
}

/** A view in which a mapping fills most of the width. */
export function viewOf(layout: MapLayout, index: number, width: number): MapView {
  const most = mostScale(layout, layout.left[index]!, width);
  const scale = Math.min((width * 0.8) / layout.width[index]!, most);
  return clampView(layout, { scale, left: layout.left[index]! - (width * 0.1) / scale }, width);
}
