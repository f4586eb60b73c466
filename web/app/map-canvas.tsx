import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { formatCount } from './format.js';
import { type CountedPages, drawMap, MAP_HEIGHT, OVERVIEW } from './map-draw.js';
import { clampView, type MapLayout, type MapView, viewOf, zoomView } from './map-layout.js';

/** How the map is moved from outside: buttons beside it. */
export interface MapControl {
  zoom(factor: number): void;
  showAll(): void;
  show(index: number): void;
}

interface CanvasProps {
  readonly layout: MapLayout;
  readonly addr: number | null;
  readonly counted: readonly CountedPages[];
  onSelect(addr: number): void;
  /** Enter or a double click: look at the bytes. */
  onOpen(addr: number): void;
  /** Told when another part is seen: the mappings in it, first and last. */
  onView(view: MapView, width: number): void;
  /** Receives how to move it. */
  control(control: MapControl): void;
}

/** The map of an address space. Whatever it shows, the list below shows in words. */
export function MapCanvas(props: CanvasProps): JSX.Element {
  const { layout } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [view, setView] = useState<MapView>({ left: 0, scale: 0 });
  const shown = width === 0 ? view : clampView(layout, view, width);
  const latest = useRef({ view: shown, width, props });
  latest.current = { view: shown, width, props };
  useWidth(canvas, setWidth);
  const selected = props.addr === null ? -1 : layout.holding(props.addr);
  useLayoutEffect(() => {
    if (canvas.current === null || width === 0) return;
    const scene = {
      layout,
      view: shown,
      width,
      selected,
      addr: props.addr,
      counted: props.counted,
    };
    const draw = (): void => drawMap(canvas.current as HTMLCanvasElement, scene);
    draw();
    return onSchemeChange(draw);
  }, [layout, shown.left, shown.scale, width, selected, props.addr, props.counted]);
  useEffect(() => {
    if (width > 0) props.onView(shown, width);
  }, [layout, shown.left, shown.scale, width]);
  useEffect(() => {
    const zoom = (factor: number): void => {
      const { view: now, width: w, props: p } = latest.current;
      const at = p.addr === null ? w / 2 : (p.layout.placeOf(p.addr) - now.left) * now.scale;
      setView(zoomView(p.layout, now, w, factor, at < 0 || at > w ? w / 2 : at));
    };
    props.control({
      zoom,
      showAll: () => setView({ left: 0, scale: 0 }),
      show: (index) => setView(viewOf(latest.current.props.layout, index, latest.current.width)),
    });
  }, []);
  useGestures(canvas, latest, setView);
  return (
    <canvas
      ref={canvas}
      class="map-canvas"
      data-keys
      tabIndex={0}
      role="img"
      aria-label={`Map of ${formatCount(layout.columns.count)} mappings; the list below has them in words. Arrow keys move, plus and minus zoom, brackets step through mappings.`}
      style={{ height: `${MAP_HEIGHT}px` }}
      onKeyDown={(event) => pressKey(event, latest.current, setView)}
    />
  );
}

interface Latest {
  readonly view: MapView;
  readonly width: number;
  readonly props: CanvasProps;
}

type SetView = (view: MapView) => void;

function useWidth(
  canvas: { readonly current: HTMLElement | null },
  set: (width: number) => void,
): void {
  useLayoutEffect(() => {
    if (canvas.current === null) return;
    set(canvas.current.clientWidth);
    const observer = new ResizeObserver(([entry]) => set(entry?.contentRect.width ?? 0));
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
}

/** Calls back when the page's colours change; gives the function that ends that. */
function onSchemeChange(draw: () => void): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', draw);
  const observer = new MutationObserver(draw);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    media.removeEventListener('change', draw);
    observer.disconnect();
  };
}

/** Wheel, drag, click and double click; the wheel's listener must not be passive. */
function useGestures(
  canvas: { readonly current: HTMLCanvasElement | null },
  latest: { readonly current: Latest },
  setView: SetView,
): void {
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { view, width, props } = latest.current;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const by = (event.deltaX || event.deltaY) / view.scale;
        return setView(clampView(props.layout, { ...view, left: view.left + by }, width));
      }
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
      const factor = Math.exp((-event.deltaY * lines) / 250);
      setView(zoomView(props.layout, view, width, factor, event.offsetX));
    };
    element.addEventListener('wheel', wheel, { passive: false });
    const end = dragging(element, latest, setView);
    return () => {
      element.removeEventListener('wheel', wheel);
      end();
    };
  }, []);
}

function dragging(
  element: HTMLCanvasElement,
  latest: { readonly current: Latest },
  setView: SetView,
): () => void {
  let from: { x: number; left: number; overview: boolean; moved: boolean } | null = null;
  const down = (event: PointerEvent): void => {
    const overview = event.offsetY > MAP_HEIGHT - OVERVIEW - 6;
    from = { x: event.offsetX, left: latest.current.view.left, overview, moved: false };
    element.setPointerCapture(event.pointerId);
    if (overview) move(event);
  };
  const move = (event: PointerEvent): void => {
    if (from === null) return;
    const { view, width, props } = latest.current;
    if (Math.abs(event.offsetX - from.x) > 3) from.moved = true;
    if (from.overview) {
      const middle = (event.offsetX / width) * props.layout.total;
      setView(clampView(props.layout, { ...view, left: middle - width / view.scale / 2 }, width));
    } else if (from.moved) {
      const left = from.left - (event.offsetX - from.x) / view.scale;
      setView(clampView(props.layout, { ...view, left }, width));
    }
  };
  const up = (event: PointerEvent): void => {
    const click = from !== null && !from.moved && !from.overview;
    from = null;
    const { view, props } = latest.current;
    if (click) props.onSelect(pageAt(props.layout, view.left + event.offsetX / view.scale));
  };
  const open = (event: MouseEvent): void => {
    const { view, props } = latest.current;
    props.onOpen(pageAt(props.layout, view.left + event.offsetX / view.scale));
  };
  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', up);
  element.addEventListener('dblclick', open);
  return () => {
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', up);
    element.removeEventListener('dblclick', open);
  };
}

function pageAt(layout: MapLayout, units: number): number {
  const addr = layout.addressAt(units);
  return addr - (addr % 4096);
}

function pressKey(event: KeyboardEvent, { view, width, props }: Latest, setView: SetView): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { layout, addr } = props;
  const move = (by: number): void =>
    setView(clampView(layout, { ...view, left: view.left + (by * width) / view.scale }, width));
  const zoom = (factor: number): void => {
    const at = addr === null ? width / 2 : (layout.placeOf(addr) - view.left) * view.scale;
    setView(zoomView(layout, view, width, factor, at < 0 || at > width ? width / 2 : at));
  };
  const step = (by: number): void => {
    const now = addr === null ? -1 : layout.lastFrom(layout.placeOf(addr));
    const index = Math.max(0, Math.min(layout.columns.count - 1, now + by));
    const start = layout.columns.start[index];
    if (start === undefined) return;
    props.onSelect(start);
    const x = (layout.left[index]! - view.left) * view.scale;
    if (x < 0 || x > width - 40) move(x / width - 0.3);
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(-0.1),
    ArrowRight: () => move(0.1),
    PageUp: () => move(-0.9),
    PageDown: () => move(0.9),
    '+': () => zoom(1.6),
    '=': () => zoom(1.6),
    '-': () => zoom(1 / 1.6),
    '0': () => setView({ left: 0, scale: 0 }),
    Home: () => setView({ left: 0, scale: view.scale }),
    End: () => setView(clampView(layout, { left: layout.total, scale: view.scale }, width)),
    '[': () => step(-1),
    ']': () => step(1),
    Enter: () => {
      if (addr !== null) props.onOpen(addr);
    },
  };
  const act = keys[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
}
