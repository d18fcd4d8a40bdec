// The present, as state: screens that show times read it.

/** Ticks on every full second counted from `origin` (ms since 1970), so that a running time never skips one. */
export class Clock {
  now = $state(Date.now());

  /** Starts ticking; answers a function that stops it. Made for `$effect`. */
  run(origin = 0, every = 1000): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      const now = Date.now();
      this.now = now;
      const into = (((now - origin) % every) + every) % every;
      timer = setTimeout(tick, every - into);
    };
    tick();
    return () => clearTimeout(timer);
  }
}
