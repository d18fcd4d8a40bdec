// Whether what the others say is played: asked for, since the snapshot does not carry it.

import { isSpeakerEnabled, setSpeakerEnabled } from '../callkit';
import { attempt } from './toasts.svelte';

export class Speaker {
  /** Assumed on until the phone has answered. */
  enabled = $state(true);

  async ask(): Promise<void> {
    try {
      this.enabled = await isSpeakerEnabled();
    } catch {
      // The call has just ended.
    }
  }

  async set(enabled: boolean): Promise<void> {
    await attempt(setSpeakerEnabled(enabled));
    await this.ask();
  }
}
