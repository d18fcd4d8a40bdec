// Pictures without a phone: a head and shoulders in a room, which moves a little.

const WIDTH = 640;
const HEIGHT = 360;
const PERIOD_MS = 66;

/** A socket to a picture door that is not there: it answers each `next` with a drawn picture. */
export class SampleSocket {
  static readonly OPEN = 1;
  binaryType = 'arraybuffer';
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;
  private hue = 200;
  private sequence = 0;
  private canvas = document.createElement('canvas');

  constructor() {
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    setTimeout(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(message: string): void {
    if (message === 'next') {
      setTimeout(() => this.onmessage?.({ data: this.picture() }), PERIOD_MS);
      return;
    }
    const { view } = JSON.parse(message) as { view?: { user_id?: string } };
    if (!view) return;
    let hue = 7;
    for (const letter of view.user_id ?? 'me') hue = (hue * 31 + letter.charCodeAt(0) * 47) % 360;
    this.hue = hue;
  }

  close(): void {
    this.readyState = 3;
  }

  private picture(): ArrayBuffer {
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (!context) return new ArrayBuffer(0);
    const sway = Math.sin(Date.now() / 900 + this.hue) * 14;
    const ground = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
    ground.addColorStop(0, `hsl(${this.hue} 22% 68%)`);
    ground.addColorStop(1, `hsl(${this.hue} 26% 34%)`);
    context.fillStyle = ground;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = `hsl(${this.hue} 18% 78%)`;
    context.fillRect(40, 40, 130, 170);
    context.fillStyle = `hsl(${this.hue + 160} 24% 26%)`;
    context.beginPath();
    context.ellipse(WIDTH / 2 + sway / 2, HEIGHT + 60, 190, 170, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = `hsl(24 38% ${40 + (this.hue % 30)}%)`;
    context.beginPath();
    context.ellipse(WIDTH / 2 + sway, 150, 62, 80, 0, 0, 2 * Math.PI);
    context.fill();
    return this.i420(context.getImageData(0, 0, WIDTH, HEIGHT).data);
  }

  private i420(pixels: Uint8ClampedArray): ArrayBuffer {
    const luma = WIDTH * HEIGHT;
    const message = new ArrayBuffer(16 + (luma * 3) / 2);
    const header = new DataView(message);
    header.setUint16(0, WIDTH, true);
    header.setUint16(2, HEIGHT, true);
    header.setUint32(4, this.sequence++, true);
    header.setFloat64(8, Date.now(), true);
    const bytes = new Uint8Array(message, 16);
    for (let at = 0; at < luma; at++) {
      const [r = 0, g = 0, b = 0] = pixels.subarray(at * 4, at * 4 + 3);
      bytes[at] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
      const [row, column] = [Math.floor(at / WIDTH), at % WIDTH];
      if (row % 2 || column % 2) continue;
      const half = (row / 2) * (WIDTH / 2) + column / 2;
      bytes[luma + half] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
      bytes[(luma * 5) / 4 + half] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
    }
    return message;
  }
}
