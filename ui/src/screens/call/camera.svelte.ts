// My picture in a call: on and off, from a camera, a screen or a window.

import {
  closeCamera,
  openCamera,
  switchMedia,
  type CallView,
  type PhoneView,
  type VideoSource,
} from '../../callkit';
import { attempt } from '../../state/toasts.svelte';

export class Camera {
  /** What is to be shown once the others have agreed to pictures; nothing: nobody was asked. */
  private wanted: { source: VideoSource | null } | null = $state.raw(null);
  /** A camera was on before the screen was shown. */
  private before = false;
  private asked = false;

  constructor(
    private call: () => CallView,
    private view: () => PhoneView,
  ) {}

  /** It is a call by voice as yet. */
  get isVoice(): boolean {
    return this.call().media === 'audio';
  }

  /** My picture is on. */
  get on(): boolean {
    return !this.isVoice && this.view().video.on;
  }

  /** A screen or a window is shown. */
  get sharing(): boolean {
    const kind = this.view().video.source?.kind;
    return this.on && (kind === 'screen' || kind === 'window');
  }

  /** The others are asked whether they would like to switch to video. */
  get asking(): boolean {
    return this.isVoice && this.call().switch?.by_me === true;
  }

  /** The camera on or off. */
  toggle(): void {
    if (this.on) void attempt(closeCamera());
    else this.show(null);
  }

  /** Shows that; nothing: the camera. */
  show(source: VideoSource | null): void {
    const shares = source?.kind === 'screen' || source?.kind === 'window';
    if (shares && !this.sharing) this.before = this.on && this.view().video.source?.kind === 'camera';
    if (!this.isVoice) {
      void attempt(openCamera(source));
      return;
    }
    this.wanted = { source };
    if (!this.asking)
      void attempt(switchMedia(this.call().call_id, 'video')).then((ok) => !ok && this.forget());
  }

  /** No screen any more, at once; then the camera again, if it was on before. */
  async stopSharing(): Promise<void> {
    if ((await attempt(closeCamera())) && this.before)
      await attempt(openCamera({ kind: 'camera', id: null }));
  }

  /** Looks what has become of the question. Made for `$effect`. */
  follow(): void {
    if (!this.wanted) return;
    if (!this.isVoice) {
      const { source } = this.wanted;
      this.forget();
      void attempt(openCamera(source));
    } else if (this.asking) {
      this.asked = true;
    } else if (this.asked) {
      // They would rather not.
      this.forget();
    }
  }

  private forget(): void {
    this.wanted = null;
    this.asked = false;
  }
}
