/** An address as it is printed everywhere: 12 hex digits with 0x before them. */
export function formatAddress(addr: number | bigint): string {
  return `0x${addr.toString(16).padStart(12, '0')}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A number of bytes with a unit: 4 KiB, 1.5 GiB, 128 TiB. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = Number.isInteger(value) || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

const COUNT = new Intl.NumberFormat('en');

/** A count with separators: 100,000. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** Bytes as pairs of hex digits with spaces between. */
export function formatBytes(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
