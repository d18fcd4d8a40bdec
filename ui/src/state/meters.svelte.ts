// How loud everybody is, asked for only while somebody looks.

import { meters, type VoiceLevel } from '../callkit';

const PERIOD_MS = 80;
const FLOOR_DBFS = -60;
const CEILING_DBFS = -8;

/** Levels from 0 to 1. */
export class Levels {
  private voices: VoiceLevel[] = $state.raw([]);

  /** My own microphone's. */
  get mine(): number {
    return this.of('');
  }

  of(userId: string): number {
    return levelOf(this.voices.find((voice) => voice.user_id === userId)?.dbfs);
  }

  /** Asks at most every 80 ms, and not at all while the window is hidden; answers a function that stops it. */
  run(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const ask = async () => {
      try {
        const { voices } = await meters();
        if (!stopped) this.voices = voices;
      } catch {
        // The call has just ended; the snapshot says so.
        this.clear();
      }
    };
    // By the clock and not with the screen, which would be drawn all the time.
    const look = async () => {
      const begun = performance.now();
      if (document.visibilityState === 'visible') await ask();
      if (!stopped) timer = setTimeout(look, Math.max(0, PERIOD_MS - (performance.now() - begun)));
    };
    void look();
    return () => {
      stopped = true;
      clearTimeout(timer);
      this.clear();
    };
  }

  private clear(): void {
    this.voices = [];
  }
}

/** dB below full scale as a share of what a meter shows: -60 dB is nothing, -8 dB is full. */
export function levelOf(dbfs: number | null | undefined): number {
  if (dbfs === null || dbfs === undefined) return 0;
  return Math.min(1, Math.max(0, (dbfs - FLOOR_DBFS) / (CEILING_DBFS - FLOOR_DBFS)));
}
