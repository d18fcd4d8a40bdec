// Where no graphics card draws, each drawing of the page costs, however little of it has changed: a small picture is drawn in
// the moment in which the largest is.

/** One of several pictures in a window. */
export interface Drawn {
  /** How large, in pixels. */
  area: () => number;
}

/** The largest picture comes again within that time, ms, or is not waited for. */
const NEXT_MS = 45;

/** Puts the drawing of several pictures together. The largest never waits. */
export class Together {
  private all = new Set<Drawn>();
  private waiting = new Map<Drawn, () => void>();
  private frame: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ledAt = -Infinity;

  /** Draws one with the screen, soon. */
  draw(one: Drawn, picture: () => void): void {
    this.all.add(one);
    this.waiting.set(one, picture);
    const now = performance.now();
    const since = now - this.ledAt;
    if (one === this.largest()) this.ledAt = now;
    else if (since < NEXT_MS) {
      this.timer ??= setTimeout(() => this.soon(), NEXT_MS - since);
      return;
    }
    this.soon();
  }

  /** That one is not drawn any more. */
  forget(one: Drawn): void {
    if (one === this.largest()) this.ledAt = -Infinity;
    this.all.delete(one);
    this.waiting.delete(one);
  }

  private largest(): Drawn | undefined {
    let largest: Drawn | undefined;
    for (const one of this.all) if (!largest || one.area() > largest.area()) largest = one;
    return largest;
  }

  private soon(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      // Nothing waits any more.
      clearTimeout(this.timer);
      this.timer = undefined;
      const due = [...this.waiting.values()];
      this.waiting.clear();
      for (const picture of due) picture();
    });
  }
}
