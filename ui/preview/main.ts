// One screen by its name: ?view=people&lang=zh-CN&theme=dark. `press` clicks what has those test ids, one after another.

import { mount, tick } from 'svelte';
import '@fontsource-variable/inter/wght.css';
import '../src/style/tokens.css';
import '../src/style/base.css';
import App from '../src/App.svelte';
import { connectTo, type CallView, type PealError, type PhoneView, type Theme } from '../src/callkit';
import { NOW, SamplePhone, sampleCall, sampleView } from '../tests/samples';

const params = new URLSearchParams(location.search);
const name = params.get('view') ?? 'people';
const problem = (code: PealError['code']): PealError => ({ code, message: code, hint: '' });

// The samples' dates stand still.
const began = Date.now();
const realNow = Date.now.bind(Date);
Date.now = () => NOW + (realNow() - began);

const talking = (changes: Partial<CallView> = {}, muted = false): CallView =>
  sampleCall(
    { state: 'connected', connected_at: NOW - 198_000, quality: 'good', ...changes },
    { state: 'joined', muted },
  );
const ended = (reason: CallView['reason'], changes: Partial<CallView> = {}): CallView =>
  sampleCall({ state: 'ended', reason, ...changes }, { state: 'left' });
const onCall = (call: CallView): Partial<PhoneView> => ({ calls: [call] });
const ring = (changes: Partial<CallView> = {}): Partial<PhoneView> =>
  onCall(sampleCall({ direction: 'incoming', state: 'ringing', ...changes }));

const views: Record<string, Partial<PhoneView>> = {
  start: { account: null, connection: { state: 'offline', problem: null } },
  starting: { account: null, connection: { state: 'connecting', problem: problem('server_unreachable') } },
  people: {},
  alone: { contacts: sampleView().contacts.slice(0, 1), history: [], missed_count: 0 },
  offline: {
    connection: { state: 'reconnecting', problem: problem('server_unreachable') },
    audio: { microphones: [], speakers: [], speaker_enabled: true, problem: problem('no_microphone') },
  },
  kicked: { connection: { state: 'offline', problem: problem('kicked_out') } },
  calling: onCall(sampleCall({ state: 'ringing' })),
  call: onCall(talking()),
  muted: onCall(talking({ muted: true, quality: 'fair' }, true)),
  reconnecting: onCall(talking({ state: 'reconnecting', quality: 'poor' })),
  ended: onCall(ended('hangup', { connected_at: NOW - 198_000, duration_ms: 198_000 })),
  declined: onCall(ended('rejected', { message: 'In a meeting. Can you write to me?' })),
  blocked: onCall(ended('ice_failed')),
  ringing: ring(),
  incoming: ring({ message: '"Quick question about the gate controller, two minutes"' }),
};

const lang = params.get('lang') ?? 'en';
const base = sampleView();
const phone = new SamplePhone(
  {
    ...base,
    settings: { ...base.settings, language: lang, theme: (params.get('theme') ?? 'light') as Theme },
    ...views[name],
  },
  params.get('window') ?? 'main',
);
phone.answers.meters = () => ({
  voices: [
    { user_id: '', dbfs: -38 + 8 * Math.sin(realNow() / 300) },
    { user_id: 'bob.chen', dbfs: -20 + 6 * Math.sin(realNow() / 170) },
  ],
});
const refused = params.get('refuse') as PealError['code'] | null;
if (refused) {
  const refuse = () => Promise.reject(Object.assign(new Error(), problem(refused)));
  phone.answers.login = refuse;
  phone.answers.call = refuse;
}
connectTo(phone);

const target = document.getElementById('app');
if (target) mount(App, { target });
void press();

async function press() {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 60));
  await pause();
  for (const step of params.getAll('press')) {
    await tick();
    const [selector, text] = step.split('=');
    const element = document.querySelector<HTMLElement>(
      selector?.startsWith('@') ? `[data-user-id="${selector.slice(1)}"]` : `[data-testid="${selector}"]`,
    );
    if (element instanceof HTMLInputElement && text !== undefined) {
      element.value = text;
      element.dispatchEvent(new InputEvent('input', { bubbles: true }));
    } else {
      element?.click();
    }
    await pause();
  }
}
