import { cleanup } from '@testing-library/svelte';
import { afterEach, vi } from 'vitest';
import { phone } from '../src/state/phone.svelte';
import { session } from '../src/state/session.svelte';
import { toasts } from '../src/state/toasts.svelte';

// jsdom draws nothing, and so has no fonts.
Object.defineProperty(document, 'fonts', { value: { load: () => Promise.resolve([]) } });

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  phone.reset();
  session.ended = null;
  toasts.all = [];
});
