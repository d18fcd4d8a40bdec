// How pictures lie in the room there is.

export interface Size {
  width: number;
  height: number;
}

/** So much of a picture may be cut off to fill a tile: a landscape in a square, but not a portrait in a landscape. */
const CUT = 0.5;

/** Whether a picture fills its tile, its edges cut, or is seen whole. */
export function fills(picture: Size, tile: Size): boolean {
  if (!picture.width || !picture.height || !tile.width || !tile.height) return true;
  const [a, b] = [picture.width / picture.height, tile.width / tile.height];
  return 1 - Math.min(a, b) / Math.max(a, b) <= CUT;
}

/** How much larger or smaller than its tile a picture may be and is still drawn as it is. */
const ALMOST = 0.01;

/** Whether a picture is as large as its tile but for a few pixels, which nobody misses at its edges. */
export function isAlmost(picture: Size, tile: Size): boolean {
  const close = (a: number, b: number) => Math.abs(a - b) <= ALMOST * b;
  return close(picture.width, tile.width) && close(picture.height, tile.height);
}

/** The largest size of that shape (width for height) within a room, whole pixels. */
export function within(shape: number, room: Size): Size {
  const width = Math.min(room.width, room.height * shape);
  return { width: Math.max(0, Math.floor(width)), height: Math.max(0, Math.floor(width / shape)) };
}
