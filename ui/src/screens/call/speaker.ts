// Who speaks, for a stage that follows them.

/** Softer is breath and room. */
export const SPEAKING = 0.2;
/** So long somebody has to be the loudest before the stage turns to them, ms: a cough is no speech. */
const PATIENCE_MS = 700;

/** Follows the loudest, without haste. */
export class Speaker {
  private candidate: string | null = null;
  private since = 0;

  /** Whom it shows. */
  constructor(public current: string | null = null) {}

  /** These levels (0 to 1) are heard now; answers whom to show. Who is not among them any more is not shown. */
  hear(levels: { user_id: string; level: number }[], now: number): string | null {
    if (!levels.some(({ user_id }) => user_id === this.current)) this.current = null;
    const loudest = levels.reduce<(typeof levels)[number] | undefined>(
      (most, one) => (one.level > (most?.level ?? 0) ? one : most),
      undefined,
    );
    if (!loudest || loudest.level <= SPEAKING || loudest.user_id === this.current) {
      this.candidate = null;
    } else if (loudest.user_id !== this.candidate) {
      this.candidate = loudest.user_id;
      this.since = now;
    } else if (now - this.since >= PATIENCE_MS) {
      this.current = loudest.user_id;
      this.candidate = null;
    }
    // Somebody has to stand there.
    this.current ??= levels[0]?.user_id ?? null;
    return this.current;
  }
}
