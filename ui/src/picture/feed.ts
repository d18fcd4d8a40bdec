// The way of one view's pictures from the phone to a tile.

import { pictureDoor, type Ticket } from '../callkit';
import { frameOf, type Frame, type PlanesOf } from './frame';
import { Together, type Drawn } from './together';

declare global {
  interface Window {
    /** Fills the buffer from the phone's memory at that place, where the window's engine can; false: nothing is there. */
    readPicture?: (place: string, into: ArrayBuffer) => boolean;
  }
}

const together = new Together();

/** What can be looked at. */
export type PictureView = { kind: 'local' } | { kind: 'remote'; call_id: string; user_id: string };

/** How large it is drawn, in the screen's own pixels. */
export interface Size {
  width: number;
  height: number;
}

/** After a socket has gone, ms. */
const AGAIN_MS = 700;

/**
 * Looks at a view for as long as it runs and the window can be seen: a hidden one holds no socket, so that the phone neither
 * decodes nor is sent what nobody sees. Of the pictures that come faster than the screen draws, the newest is drawn.
 */
export class Feed implements Drawn {
  private socket: WebSocket | undefined;
  private size: Size = { width: 0, height: 0 };
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;
  private connecting = false;

  constructor(
    private view: PictureView,
    /**
     * Draws it, with a graphics card or without, whether it is in memory that the phone shares or not; nothing: there is none now.
     */
    private show: (frame: Frame | null, accelerated: boolean, shared: boolean) => void,
  ) {}

  /** Begins to look; answers a function that ends it. */
  run(): () => void {
    this.stopped = false;
    const look = () => {
      if (document.visibilityState === 'visible') void this.connect();
      else this.disconnect();
    };
    document.addEventListener('visibilitychange', look);
    look();
    return () => {
      this.stopped = true;
      document.removeEventListener('visibilitychange', look);
      this.disconnect();
    };
  }

  /** The tile has this size now. */
  resize(size: Size): void {
    if (size.width === this.size.width && size.height === this.size.height) return;
    this.size = size;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(size));
  }

  /** How large it is drawn, in pixels. */
  area(): number {
    return this.size.width * this.size.height;
  }

  private async connect(): Promise<void> {
    if (this.socket || this.connecting) return;
    clearTimeout(this.timer);
    this.connecting = true;
    let ticket: Ticket | null = null;
    try {
      ticket = await pictureDoor();
    } catch {
      // Asked for again below.
    }
    this.connecting = false;
    if (this.stopped || document.visibilityState !== 'visible') return;
    if (ticket) this.enter(ticket);
    else this.tryAgain();
  }

  private enter({ url, token, accelerated }: Ticket): void {
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      const reads = window.readPicture !== undefined;
      socket.send(JSON.stringify({ token, view: this.view, ...this.size, reads }));
      socket.send('next');
    };
    let planes: PlanesOf | undefined;
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') {
        planes = planesAt(data, () => {
          planes = undefined;
          if (socket.readyState === WebSocket.OPEN) socket.send('carry');
        });
        return;
      }
      if (!(data instanceof ArrayBuffer)) return;
      // Drawn with the screen, and only then asked for the next.
      const draw = () => {
        if (this.socket !== socket) return;
        this.show(frameOf(data, planes), accelerated, planes !== undefined);
        if (socket.readyState === WebSocket.OPEN) socket.send('next');
      };
      if (accelerated) this.frame = requestAnimationFrame(draw);
      else together.draw(this, draw);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.show(null, accelerated, false);
      this.tryAgain();
    };
  }

  // The view may come back: a call whose media is only being made has none yet.
  private tryAgain(): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      if (!this.stopped && document.visibilityState === 'visible') void this.connect();
    }, AGAIN_MS);
  }

  private disconnect(): void {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    together.forget(this);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }
}

/** The planes are in the phone's memory, as a message says; they come in one buffer for as long as they are as long. */
function planesAt(message: string, unreadable: () => void): PlanesOf {
  const { memory } = JSON.parse(message) as { memory: string };
  let planes = new ArrayBuffer(0);
  return (length) => {
    if (planes.byteLength !== length) planes = new ArrayBuffer(length);
    if (window.readPicture?.(memory, planes)) return planes;
    unreadable();
    return null;
  };
}
