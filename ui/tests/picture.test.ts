import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectTo } from '../src/callkit';
import { byTables, byVectors, type Colours } from '../src/picture/colours';
import { Feed } from '../src/picture/feed';
import { frameOf, type Frame } from '../src/picture/frame';
import { painterOn } from '../src/picture/painter';
import { fills, isAlmost, within } from '../src/picture/shape';
import { Together } from '../src/picture/together';
import { bestGrid, PICTURES } from '../src/screens/call/grid';
import { Speaker } from '../src/screens/call/speaker';
import { SamplePhone, sampleView } from './samples';

/** A message with a picture of one colour. */
function message(
  width: number,
  height: number,
  [y, u, v]: [number, number, number],
  sequence = 0,
): ArrayBuffer {
  const luma = width * height;
  const buffer = new ArrayBuffer(16 + (luma * 3) / 2);
  const header = new DataView(buffer);
  header.setUint16(0, width, true);
  header.setUint16(2, height, true);
  header.setUint32(4, sequence, true);
  header.setFloat64(8, 1_700_000_000_000.5, true);
  const bytes = new Uint8Array(buffer, 16);
  bytes.fill(y, 0, luma);
  bytes.fill(u, luma, (luma * 5) / 4);
  bytes.fill(v, (luma * 5) / 4);
  return buffer;
}

describe('a picture’s message', () => {
  test('has a header and three planes', () => {
    const frame = frameOf(message(64, 36, [10, 20, 30], 7));
    expect(frame).toMatchObject({ width: 64, height: 36, sequence: 7, capturedAt: 1_700_000_000_000.5 });
    expect([frame?.y.length, frame?.u.length, frame?.v.length]).toEqual([64 * 36, 32 * 18, 32 * 18]);
    expect([frame?.y.at(-1), frame?.u.at(0), frame?.u.at(-1), frame?.v.at(0)]).toEqual([10, 20, 20, 30]);
  });

  test('that is empty or of the wrong length is none', () => {
    expect(frameOf(new ArrayBuffer(0))).toBeNull();
    expect(frameOf(new ArrayBuffer(15))).toBeNull();
    expect(frameOf(new ArrayBuffer(16))).toBeNull();
    expect(frameOf(message(64, 36, [0, 0, 0]).slice(0, -1))).toBeNull();
  });
});

describe.each([
  ['tables', byTables],
  ['vectors', byVectors],
])('by %s', (_, made) => {
  const make = made();
  // Node has vectors, as WebKit has where Peal runs.
  if (!make) throw new Error('there are none');

  // BT.601, limited range: the colours of the well-known bars.
  test.each([
    ['black', [16, 128, 128], [0, 0, 0]],
    ['white', [235, 128, 128], [255, 255, 255]],
    ['red', [81, 90, 240], [255, 0, 0]],
    ['green', [145, 54, 34], [0, 255, 0]],
    ['blue', [41, 240, 110], [0, 0, 255]],
    ['brighter than white', [255, 128, 128], [255, 255, 255]],
    ['redder than red', [255, 128, 255], [255, 175, 255]],
  ] as [string, [number, number, number], [number, number, number]][])('%s is drawn', (_, yuv, rgb) => {
    const frame = frameOf(message(18, 16, yuv));
    const pixels = frame ? make(frame) : [];
    for (const at of [0, 15, 16, 18 * 16 - 1]) {
      rgb.forEach((value, channel) => {
        expect(Math.abs((pixels[at * 4 + channel] ?? -99) - value)).toBeLessThanOrEqual(2);
      });
      expect(pixels[at * 4 + 3]).toBe(255);
    }
  });

  test.each([
    [2, 2],
    [14, 4],
    [16, 2],
    [30, 6],
    [642, 358],
    [1280, 720],
    [64, 36],
  ])('every pixel of %i × %i has the colour of the formula', (width, height) => {
    expect(furthest(make, noise(width, height))).toBeLessThanOrEqual(2);
  });
});

test('a picture that is turned is drawn turned, though it has as many pixels', () => {
  const drawn: string[] = [];
  vi.stubGlobal(
    'ImageData',
    class {
      constructor(
        readonly data: Uint8ClampedArray,
        readonly width: number,
        readonly height: number,
      ) {}
    },
  );
  const putImageData = ({ width, height }: ImageData) => drawn.push(`${width}x${height}`);
  const canvas = { width: 0, height: 0, getContext: () => ({ putImageData }) };
  const painter = painterOn(canvas as unknown as HTMLCanvasElement, false);
  for (const [width, height] of [
    [64, 36],
    [36, 64],
    [36, 64],
  ] as const) {
    painter?.draw(noise(width, height));
    expect([canvas.width, canvas.height]).toEqual([width, height]);
  }
  expect(drawn).toEqual(['64x36', '36x64', '36x64']);
  vi.unstubAllGlobals();
});

/** A picture of all there is, extremes among it. */
function noise(width: number, height: number): Frame {
  let state = width * 65_537 + height;
  const values = (length: number) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const value = state >>> 24;
      return value < 16 ? 0 : value > 240 ? 255 : value;
    });
  const luma = width * height;
  return {
    width,
    height,
    sequence: 0,
    capturedAt: 0,
    y: values(luma),
    u: values(luma / 4),
    v: values(luma / 4),
  };
}

/** How far the worst channel of a picture is from BT.601's formula. */
function furthest(make: Colours, frame: Frame): number {
  const pixels = make(frame);
  expect(pixels.length).toBe(frame.width * frame.height * 4);
  let worst = 0;
  for (let at = 0; at < frame.width * frame.height; at++) {
    const shared = (Math.floor(at / frame.width) >> 1) * (frame.width / 2) + ((at % frame.width) >> 1);
    const luma = 1.16438 * ((frame.y[at] ?? 0) - 16);
    const [blue, red] = [(frame.u[shared] ?? 0) - 128, (frame.v[shared] ?? 0) - 128];
    const right = [luma + 1.59603 * red, luma - 0.391762 * blue - 0.812968 * red, luma + 2.01723 * blue, 255];
    right.forEach((value, channel) => {
      const off = Math.abs((pixels[at * 4 + channel] ?? -99) - Math.min(255, Math.max(0, value)));
      worst = Math.max(worst, off);
    });
  }
  return worst;
}

describe('a picture in its tile', () => {
  test('fills it unless too much would be cut', () => {
    const wide = { width: 640, height: 360 };
    expect(fills(wide, { width: 320, height: 180 })).toBe(true);
    expect(fills(wide, { width: 300, height: 240 })).toBe(true);
    expect(fills({ width: 360, height: 640 }, { width: 320, height: 180 })).toBe(false);
    expect(fills(wide, { width: 100, height: 240 })).toBe(false);
  });

  test('is drawn as it is where but a few pixels are missing or too many', () => {
    const picture = { width: 1280, height: 720 };
    expect(isAlmost(picture, { width: 1283, height: 722 })).toBe(true);
    expect(isAlmost(picture, { width: 1270, height: 715 })).toBe(true);
    expect(isAlmost(picture, { width: 1296, height: 729 })).toBe(false);
    expect(isAlmost(picture, { width: 1280, height: 800 })).toBe(false);
    expect(isAlmost(picture, { width: 0, height: 0 })).toBe(false);
  });

  test('is as large as its shape allows where it is seen whole', () => {
    expect(within(16 / 9, { width: 1000, height: 480 })).toEqual({ width: 853, height: 480 });
    expect(within(9 / 16, { width: 1000, height: 480 })).toEqual({ width: 270, height: 480 });
    expect(within(16 / 9, { width: 0, height: 0 })).toEqual({ width: 0, height: 0 });
  });
});

test.each([
  [1, 1000, 500, 1],
  [2, 1000, 500, 2],
  [2, 380, 460, 1],
  [3, 1000, 500, 2],
  [4, 1000, 500, 2],
  [5, 1000, 500, 3],
  [6, 1000, 500, 3],
  [7, 1000, 500, 4],
  [8, 1000, 500, 4],
  [9, 1000, 500, 3],
  [9, 380, 460, 3],
  [4, 380, 460, 2],
])('%i pictures in %i × %i stand in %i columns', (count, width, height, columns) => {
  const grid = bestGrid(count, width, height, PICTURES);
  expect(grid.columns).toBe(columns);
  expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
  expect(grid.columns * (grid.width + grid.gap) - grid.gap).toBeLessThanOrEqual(width);
  expect(grid.rows * (grid.height + grid.gap) - grid.gap).toBeLessThanOrEqual(height);
});

describe('the stage that follows who speaks', () => {
  const heard = (...levels: [string, number][]) => levels.map(([user_id, level]) => ({ user_id, level }));

  test('begins with the first, and turns to whoever goes on speaking', () => {
    const speaker = new Speaker();
    expect(speaker.hear(heard(['a', 0], ['b', 0]), 0)).toBe('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.8]), 100)).toBe('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.8]), 700)).toBe('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.8]), 800)).toBe('b');
    // It stays there in silence.
    expect(speaker.hear(heard(['a', 0], ['b', 0]), 9000)).toBe('b');
  });

  test('does not turn for a cough', () => {
    const speaker = new Speaker('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.9]), 0)).toBe('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.1]), 300)).toBe('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.9]), 1000)).toBe('a');
    expect(speaker.hear(heard(['a', 0], ['b', 0.9]), 1600)).toBe('a');
  });

  test('lets go of who has left', () => {
    const speaker = new Speaker('a');
    expect(speaker.hear(heard(['b', 0], ['c', 0]), 0)).toBe('b');
    expect(speaker.hear([], 0)).toBeNull();
  });
});

/** A door that remembers who knocked. */
class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  said: string[] = [];
  closed = false;
  onopen?: () => void;
  onclose?: () => void;
  onmessage?: (event: { data: unknown }) => void;

  constructor(readonly url: string) {
    Socket.all.push(this);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  send(text: string): void {
    this.said.push(text);
  }

  close(): void {
    this.readyState = 3;
    this.closed = true;
  }

  /** The other side goes. */
  breaks(): void {
    this.readyState = 3;
    this.onclose?.();
  }
}

describe('pictures that are drawn together', () => {
  let frames: FrameRequestCallback[];
  let drawn: string[];
  const [large, small] = [{ area: () => 1280 * 720 }, { area: () => 220 * 124 }];
  const screen = () => frames.splice(0).forEach((callback) => callback(0));

  beforeEach(() => {
    vi.useFakeTimers();
    [frames, drawn] = [[], []];
    vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => frames.push(callback));
  });
  afterEach(() => vi.unstubAllGlobals());

  const comes = (together: Together, who: typeof large) =>
    together.draw(who, () => drawn.push(who === large ? 'large' : 'small'));

  test('wait for the largest, which waits for nobody', () => {
    const together = new Together();
    comes(together, large);
    screen();
    vi.advanceTimersByTime(10);
    comes(together, small);
    screen();
    expect(drawn).toEqual(['large']);
    vi.advanceTimersByTime(23);
    comes(together, large);
    screen();
    expect(drawn.slice(1).sort()).toEqual(['large', 'small']);
    expect(vi.getTimerCount()).toBe(0);
    expect(frames).toEqual([]);
  });

  test('wait no longer than a moment, and not at all for one that has stopped or gone', () => {
    const together = new Together();
    comes(together, large);
    screen();
    vi.advanceTimersByTime(10);
    comes(together, small);
    vi.advanceTimersByTime(34);
    expect(frames).toEqual([]);
    vi.advanceTimersByTime(1);
    screen();
    expect(drawn).toEqual(['large', 'small']);
    comes(together, small);
    screen();
    expect(drawn).toHaveLength(3);
    comes(together, large);
    screen();
    together.forget(large);
    comes(together, small);
    screen();
    expect(drawn).toEqual(['large', 'small', 'small', 'large', 'small']);
  });
});

describe('a feed', () => {
  let shown: (Frame | null)[];
  let frames: Map<number, FrameRequestCallback>;
  let visibility: DocumentVisibilityState;
  const draw = () => {
    const due = [...frames.values()];
    frames.clear();
    due.forEach((callback) => callback(0));
  };
  const turn = async () => {
    for (let step = 0; step < 5; step++) await Promise.resolve();
  };
  const view = { kind: 'remote', call_id: 'c', user_id: 'bob' } as const;

  beforeEach(() => {
    vi.useFakeTimers();
    shown = [];
    frames = new Map();
    let asked = 0;
    visibility = 'visible';
    Socket.all = [];
    vi.stubGlobal('WebSocket', Socket);
    vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => {
      frames.set(++asked, callback);
      return asked;
    });
    vi.stubGlobal('cancelAnimationFrame', (id: number) => frames.delete(id));
    vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility);
    const phone = new SamplePhone(sampleView());
    let tickets = 0;
    phone.answers.pictureDoor = () => ({
      url: 'ws://127.0.0.1:9/picture',
      token: `t${++tickets}`,
      accelerated: true,
    });
    connectTo(phone);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  async function begin() {
    const feed = new Feed(view, (frame) => shown.push(frame));
    feed.resize({ width: 320, height: 180 });
    const stop = feed.run();
    await turn();
    const socket = Socket.all[0];
    if (!socket) throw new Error('nobody knocked');
    socket.open();
    return { feed, stop, socket };
  }

  test('says what it wants to see, and asks for the next only when it has drawn the last', async () => {
    const { socket, stop } = await begin();
    const hello = { token: 't1', view, width: 320, height: 180, reads: false };
    expect(JSON.parse(socket.said[0] ?? '')).toEqual(hello);
    expect(socket.said.slice(1)).toEqual(['next']);
    socket.onmessage?.({ data: message(64, 36, [9, 9, 9], 3) });
    expect(socket.said).toHaveLength(2);
    draw();
    expect(shown.map((frame) => frame?.sequence)).toEqual([3]);
    expect(socket.said.slice(2)).toEqual(['next']);
    stop();
    expect(socket.closed).toBe(true);
  });

  test('reads the planes from memory where the window can, into the same buffer each time', async () => {
    const asked: [string, ArrayBuffer][] = [];
    vi.stubGlobal('readPicture', (place: string, into: ArrayBuffer) => {
      asked.push([place, into]);
      new Uint8Array(into).fill(asked.length);
      return true;
    });
    const { socket, stop } = await begin();
    expect(JSON.parse(socket.said[0] ?? '')).toMatchObject({ reads: true });
    socket.onmessage?.({ data: '{"memory":"/proc/1/fd/2"}' });
    for (const sequence of [1, 2]) {
      socket.onmessage?.({ data: message(64, 36, [9, 9, 9], sequence).slice(0, 16) });
      draw();
      const frame = shown.at(-1);
      expect([frame?.sequence, frame?.y[0], frame?.v[0]]).toEqual([sequence, sequence, sequence]);
    }
    expect(asked.map(([place, into]) => [place, into.byteLength])).toEqual(
      Array(2).fill(['/proc/1/fd/2', (64 * 36 * 3) / 2]),
    );
    expect(asked[0]?.[1]).toBe(asked[1]?.[1]);
    stop();
  });

  test('asks for the planes themselves when it can not read them', async () => {
    vi.stubGlobal('readPicture', () => false);
    const { socket, stop } = await begin();
    socket.onmessage?.({ data: '{"memory":"/proc/1/fd/2"}' });
    socket.onmessage?.({ data: message(64, 36, [9, 9, 9], 1).slice(0, 16) });
    draw();
    expect(shown).toEqual([null]);
    expect(socket.said.slice(1)).toEqual(['next', 'carry', 'next']);
    socket.onmessage?.({ data: message(64, 36, [9, 9, 9], 2) });
    draw();
    expect(shown.at(-1)?.sequence).toBe(2);
    stop();
  });

  test('tells another size once', async () => {
    const { feed, socket, stop } = await begin();
    feed.resize({ width: 320, height: 180 });
    feed.resize({ width: 640, height: 360 });
    feed.resize({ width: 640, height: 360 });
    expect(socket.said.slice(2)).toEqual(['{"width":640,"height":360}']);
    stop();
  });

  test('holds no socket while nobody can see it', async () => {
    const { socket, stop } = await begin();
    visibility = 'hidden';
    document.dispatchEvent(new Event('visibilitychange'));
    expect(socket.closed).toBe(true);
    visibility = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    await turn();
    expect(Socket.all).toHaveLength(2);
    expect(Socket.all[1]?.url).toBe('ws://127.0.0.1:9/picture');
    stop();
  });

  test('comes again when the door has closed, with another ticket, and shows nothing meanwhile', async () => {
    const { socket, stop } = await begin();
    socket.breaks();
    expect(shown).toEqual([null]);
    await vi.advanceTimersByTimeAsync(1000);
    Socket.all[1]?.open();
    expect(JSON.parse(Socket.all[1]?.said[0] ?? '')).toMatchObject({ token: 't2', view });
    stop();
    Socket.all[1]?.breaks();
    await vi.advanceTimersByTimeAsync(5000);
    expect(Socket.all).toHaveLength(2);
  });

  test('draws nothing after its end', async () => {
    const { socket, stop } = await begin();
    socket.onmessage?.({ data: message(64, 36, [9, 9, 9]) });
    stop();
    draw();
    expect(shown).toEqual([]);
  });
});
