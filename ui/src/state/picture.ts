// A profile picture: a square part of a photograph, small enough to travel with one's presence.

/** Side of a picture as it is kept, px. */
export const PICTURE_SIDE = 256;
/** The largest picture that travels, bytes. */
export const PICTURE_LIMIT = 32 * 1024;

/** Which part of a picture is kept: a square, in the picture's own pixels. */
export interface Crop {
  x: number;
  y: number;
  side: number;
}

/** The part in the middle, as large as it can be. */
export function middle(width: number, height: number): Crop {
  const side = Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}

/** The same part, `zoom` times as near (1: as far away as it can be), its middle where it was. */
export function zoomed(crop: Crop, zoom: number, width: number, height: number): Crop {
  const side = Math.min(width, height) / zoom;
  const [x, y] = [crop.x + (crop.side - side) / 2, crop.y + (crop.side - side) / 2];
  return inside({ x, y, side }, width, height);
}

/** The same part, moved by so many of the picture's pixels, as far as the picture goes. */
export const moved = (crop: Crop, dx: number, dy: number, width: number, height: number): Crop =>
  inside({ ...crop, x: crop.x + dx, y: crop.y + dy }, width, height);

function inside({ x, y, side }: Crop, width: number, height: number): Crop {
  const within = (at: number, length: number) => Math.min(Math.max(0, at), length - side);
  return { x: within(x, width), y: within(y, height), side };
}

/** Draws that part over the whole of a canvas, on white: JPEG knows no transparency. */
export function draw(canvas: HTMLCanvasElement, picture: CanvasImageSource, { x, y, side }: Crop): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, x, y, side, side, 0, 0, canvas.width, canvas.height);
}

/** That part as JPEG in base64, 256 × 256 and at most 32 KiB: as good as fits. */
export async function encode(picture: CanvasImageSource, crop: Crop): Promise<string> {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = PICTURE_SIDE;
  draw(canvas, picture, crop);
  for (const quality of [0.9, 0.8, 0.7, 0.55, 0.4, 0.25, 0.1]) {
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
    if (blob && blob.size <= PICTURE_LIMIT) return base64(new Uint8Array(await blob.arrayBuffer()));
  }
  throw new Error('the picture does not become small enough');
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
