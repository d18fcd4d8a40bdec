// How many voices stand side by side.

/** A grid of equal tiles, sizes in px. */
export interface Grid {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** Between two tiles, px. */
export const GAP = 12;
const GAP_TIGHT = 8;
/** As large as a tile becomes: a voice needs no wall. */
const LARGEST = { width: 320, height: 232 };
/** A tile looks best as wide as this, for its height. */
const SHAPE = 1.25;

/** The grid in which `count` tiles are largest; every tile is at least a pixel. */
export function bestGrid(count: number, width: number, height: number): Grid & { gap: number } {
  const gap = width < 560 || count > 9 ? GAP_TIGHT : GAP;
  let best: Grid = { columns: 1, rows: Math.max(1, count), width: 1, height: 1 };
  let bestSize = 0;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    // A grid with a column too many is the one before it, with smaller tiles.
    if (columns > 1 && Math.ceil(count / (columns - 1)) === rows && width / columns < LARGEST.width) continue;
    const tile = {
      width: Math.max(1, Math.min(LARGEST.width, Math.floor((width - gap * (columns - 1)) / columns))),
      height: Math.max(1, Math.min(LARGEST.height, Math.floor((height - gap * (rows - 1)) / rows))),
    };
    const size = Math.min(tile.width / SHAPE, tile.height);
    if (size > bestSize) {
      bestSize = size;
      best = { columns, rows, ...tile };
    }
  }
  return { ...best, gap };
}

/** The face that fits a tile. */
export function faceSize({ width, height }: Pick<Grid, 'width' | 'height'>): 36 | 52 | 72 | 104 {
  const room = Math.min(width * 0.62, height - 68);
  if (room >= 104) return 104;
  if (room >= 72) return 72;
  return room >= 48 ? 52 : 36;
}
