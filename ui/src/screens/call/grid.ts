// How many voices stand side by side.

/** A grid of equal tiles, sizes in px. */
export interface Grid {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** Between two tiles, px. */
const GAP = 12;
const GAP_TIGHT = 8;
/** What stands in the tiles. */
interface Content {
  /** As large as a tile becomes, px. */
  largest: { width: number; height: number };
  /** A tile looks best as wide as this, for its height. */
  shape: number;
}

/** A voice needs no wall. */
const VOICES: Content = { largest: { width: 320, height: 232 }, shape: 1.25 };
/** A picture takes what there is. A face is rather cut at the sides than lies in a slit. */
export const PICTURES: Content = { largest: { width: Infinity, height: Infinity }, shape: 4 / 3 };

/** The grid in which `count` tiles are largest; of two alike the one with fewer gaps, then with fewer rows. */
export function bestGrid(
  count: number,
  width: number,
  height: number,
  { largest, shape }: Content = VOICES,
): Grid & { gap: number } {
  const gap = width < 560 || count > 9 ? GAP_TIGHT : GAP;
  const grids = Array.from({ length: Math.max(1, count) }, (_, at): Grid => {
    const columns = at + 1;
    const rows = Math.ceil(Math.max(1, count) / columns);
    return {
      columns,
      rows,
      width: Math.max(1, Math.min(largest.width, Math.floor((width - gap * (columns - 1)) / columns))),
      height: Math.max(1, Math.min(largest.height, Math.floor((height - gap * (rows - 1)) / rows))),
    };
  });
  const size = (grid: Grid) => Math.min(grid.width / shape, grid.height);
  const gaps = ({ columns, rows }: Grid) => columns * rows - count;
  const [best] = grids.sort((a, b) => size(b) - size(a) || gaps(a) - gaps(b) || a.rows - b.rows);
  return { ...(best ?? { columns: 1, rows: 1, width: 1, height: 1 }), gap };
}

/** The face that fits a tile. */
export function faceSize({ width, height }: Pick<Grid, 'width' | 'height'>): 36 | 52 | 72 | 104 {
  const room = Math.min(width * 0.62, height - 68);
  if (room >= 104) return 104;
  if (room >= 72) return 72;
  return room >= 48 ? 52 : 36;
}
