// A picture as the phone sends it.

/** A picture in I420 (BT.601, limited range), its planes side by side. */
export interface Frame {
  width: number;
  height: number;
  sequence: number;
  /** When it was seen, milliseconds since 1970. */
  capturedAt: number;
  y: Uint8Array;
  u: Uint8Array;
  v: Uint8Array;
}

/** What stands before the planes: u16 width, u16 height, u32 sequence, f64 time, little-endian. */
const HEADER = 16;

/** Gets a picture's planes, so many bytes, from where they are if they don't follow in the message; nothing: it can't. */
export type PlanesOf = (length: number) => ArrayBuffer | null;

/** Reads a message, whose planes follow in it or are elsewhere; nothing: there is no picture now. */
export function frameOf(message: ArrayBuffer, elsewhere?: PlanesOf): Frame | null {
  if (message.byteLength < HEADER) return null;
  const header = new DataView(message, 0, HEADER);
  const width = header.getUint16(0, true);
  const height = header.getUint16(2, true);
  const luma = width * height;
  const length = (luma * 3) / 2;
  const away = elsewhere !== undefined && message.byteLength === HEADER;
  if (luma === 0 || (!away && message.byteLength !== HEADER + length)) return null;
  const [planes, from] = away ? [elsewhere(length), 0] : [message, HEADER];
  if (!planes) return null;
  const plane = (at: number, length: number) => new Uint8Array(planes, from + at, length);
  return {
    width,
    height,
    sequence: header.getUint32(4, true),
    capturedAt: header.getFloat64(8, true),
    y: plane(0, luma),
    u: plane(luma, luma / 4),
    v: plane((luma * 5) / 4, luma / 4),
  };
}
