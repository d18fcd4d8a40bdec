// The colours of a picture, made by the processor: what the shader does where there is a graphics card.

import module from './colours.wat';
import type { Frame } from './frame';

/**
 * Makes the colours of a picture: red, green, blue and 255 of each pixel. Of one size they come in the same bytes each time, so
 * what the last one answered is gone.
 */
export type Colours = (frame: Frame) => Uint8ClampedArray<ArrayBuffer>;

/** By the processor's vectors where the browser lends them (about ten times as fast), else by tables. */
export function colours(): Colours {
  return byVectors() ?? byTables();
}

/** A page of WebAssembly's memory, bytes. */
const PAGE = 65_536;
/** Pixels that are made at once; narrower pictures are made by tables. */
const AT_ONCE = 16;

interface Vectors {
  memory: WebAssembly.Memory;
  colour: (y: number, u: number, v: number, into: number, width: number, height: number) => void;
}

/** Compiled once, for every picture of the window. */
let compiled: WebAssembly.Module | undefined;

/** Nothing where the browser has no WebAssembly with vectors. */
export function byVectors(): Colours | undefined {
  let vectors: Vectors;
  try {
    vectors = new WebAssembly.Instance((compiled ??= new WebAssembly.Module(module)))
      .exports as unknown as Vectors;
  } catch {
    return undefined;
  }
  const { memory, colour } = vectors;
  const narrow = byTables();
  let planes = new Uint8Array(memory.buffer);
  let pixels = new Uint8ClampedArray(memory.buffer, 0, 0);
  return (frame) => {
    const { width, height, y, u, v } = frame;
    if (width < AT_ONCE) return narrow(frame);
    const luma = width * height;
    const into = Math.ceil((luma * 1.5) / AT_ONCE) * AT_ONCE;
    if (pixels.length !== luma * 4 || pixels.byteOffset !== into) {
      const missing = into + luma * 4 - memory.buffer.byteLength;
      // Larger memory is another buffer.
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
      planes = new Uint8Array(memory.buffer);
      pixels = new Uint8ClampedArray(memory.buffer, into, luma * 4);
    }
    planes.set(y, 0);
    planes.set(u, luma);
    planes.set(v, luma + luma / 4);
    colour(0, luma, luma + luma / 4, into, width, height);
    return pixels;
  };
}

/** Four pixels that share their colour at a time, on little-endian computers, which all are that have a browser. */
export function byTables(): Colours {
  let pixels = new Uint8ClampedArray();
  let words = new Uint32Array();
  return (frame) => {
    const size = frame.width * frame.height * 4;
    if (pixels.length !== size) {
      pixels = new Uint8ClampedArray(size);
      words = new Uint32Array(pixels.buffer);
    }
    colour(frame, words);
    return pixels;
  };
}

function colour({ width, height, y, u, v }: Frame, into: Uint32Array): void {
  let at = 0;
  for (let row = 0; row < height; row += 2) {
    const end = (row + 1) * width;
    for (let upper = row * width, lower = end; upper < end; upper += 2, lower += 2, at++) {
      const blue = u[at] ?? 0;
      const red = v[at] ?? 0;
      const toRed = RED[red] ?? 0;
      const toGreen = ((GREEN_OF_BLUE[blue] ?? 0) + (GREEN_OF_RED[red] ?? 0)) >> 16;
      const toBlue = BLUE[blue] ?? 0;
      into[upper] = pixel(LUMA[y[upper] ?? 0] ?? 0, toRed, toGreen, toBlue);
      into[upper + 1] = pixel(LUMA[y[upper + 1] ?? 0] ?? 0, toRed, toGreen, toBlue);
      into[lower] = pixel(LUMA[y[lower] ?? 0] ?? 0, toRed, toGreen, toBlue);
      into[lower + 1] = pixel(LUMA[y[lower + 1] ?? 0] ?? 0, toRed, toGreen, toBlue);
    }
  }
}

function pixel(luma: number, red: number, green: number, blue: number): number {
  return (
    OPAQUE | ((BYTE[luma + blue] ?? 0) << 16) | ((BYTE[luma + green] ?? 0) << 8) | (BYTE[luma + red] ?? 0)
  );
}

const OPAQUE = 255 << 24;
/** What is too dark or too bright is the darkest or brightest; from -512, as `LUMA` is. */
const BYTE = Uint8Array.from({ length: 1536 }, (_, at) => Math.min(255, Math.max(0, at - 512)));
const table = (factor: number, from: number, plus: number) =>
  Int32Array.from({ length: 256 }, (_, value) => Math.round(factor * (value - from)) + plus);
const LUMA = table(1.16438, 16, 512);
const RED = table(1.59603, 128, 0);
const GREEN_OF_BLUE = table(-0.391762 * 65536, 128, 0);
const GREEN_OF_RED = table(-0.812968 * 65536, 128, 1 << 15);
const BLUE = table(2.01723, 128, 0);
