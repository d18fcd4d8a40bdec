// A picture as the phone sends it.

/** A picture in I420 (BT.601, limited range), its planes side by side in one message. */
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

/** Reads a message; nothing: there is no picture now. */
export function frameOf(message: ArrayBuffer): Frame | null {
  if (message.byteLength < HEADER) return null;
  const header = new DataView(message, 0, HEADER);
  const width = header.getUint16(0, true);
  const height = header.getUint16(2, true);
  const luma = width * height;
  if (luma === 0 || message.byteLength !== HEADER + (luma * 3) / 2) return null;
  const plane = (from: number, length: number) => new Uint8Array(message, HEADER + from, length);
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
