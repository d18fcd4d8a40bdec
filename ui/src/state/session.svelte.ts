// Why the login ended, kept for the first screen to say.

import { on, type PealError, type Unsubscribe } from '../callkit';

class Session {
  /** Why it ended, until the next login. */
  ended: PealError | null = $state.raw(null);

  /** Keeps what the phone's events say; answers a function that stops it. */
  listen(): Unsubscribe {
    const stops = [
      on('session_ended', (error) => (this.ended = error)),
      on('kicked_out', () => (this.ended = { code: 'kicked_out', message: '', hint: '' })),
      on('connection_changed', (connection) => {
        if (connection.state === 'online') this.ended = null;
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }
}

export const session = new Session();
