// One screen by its name: ?view=people&lang=zh-CN&theme=dark. `press` clicks what has those test ids, one after another:
// a test id; @bob.chen for the row of an account; search=bob to type; key:Escape for a key.

import { mount, tick } from 'svelte';
import '@fontsource-variable/inter/wght.css';
import '../src/style/tokens.css';
import '../src/style/base.css';
import App from '../src/App.svelte';
import { connectTo, type HistoryQuery, type PealError, type Theme } from '../src/callkit';
import { session } from '../src/state/session.svelte';
import { NOW, SamplePhone, sampleView } from '../tests/samples';
import { SampleSocket } from './pictures';
import { portrait } from './portrait';
import { problem, views } from './views';

const params = new URLSearchParams(location.search);
const name = params.get('view') ?? 'people';

// The samples' dates stand still.
const began = Date.now();
const realNow = Date.now.bind(Date);
Date.now = () => NOW + (realNow() - began);

const changes = views[name] ?? {};
const base = sampleView(changes);
const phone = new SamplePhone(
  {
    ...base,
    settings: {
      ...base.settings,
      language: params.get('lang') ?? 'en',
      theme: (params.get('theme') ?? 'light') as Theme,
    },
  },
  params.get('window') ?? 'main',
);
phone.answers.meters = () => ({
  voices: [
    { user_id: '', dbfs: -38 + 8 * Math.sin(realNow() / 300) },
    ...['bob.chen', 'front-gate', 'member-2', 'maria'].map((user_id) => ({
      user_id,
      dbfs: -20 + 6 * Math.sin(realNow() / 170),
    })),
  ],
});
// A picture's name is its hue here.
phone.answers.avatar = (avatarId: string) => portrait(Number(avatarId));
phone.answers.searchHistory = ({ query = '', status, direction }: HistoryQuery) =>
  phone.view.history.filter(
    (record) =>
      (!status || record.status === status) &&
      (!direction || record.direction === direction) &&
      record.name.toLowerCase().includes((query ?? '').toLowerCase()),
  );
phone.answers.safetyNumber = (userId: string) => {
  const digits = (seed: number) =>
    Array.from({ length: 12 }, (_, at) => String((seed * (at + 3) * 7919) % 100_000).padStart(5, '0')).join(
      ' ',
    );
  const changed = phone.view.contacts.find(({ user_id }) => user_id === userId)?.verified === 'changed';
  return [
    { device_id: 'a', number: digits(4111), verified: !changed, changed: false },
    { device_id: 'b', number: digits(9241), verified: false, changed },
  ];
};
const refused = params.get('refuse') as PealError['code'] | null;
if (refused) {
  const refuse = () => Promise.reject(Object.assign(new Error(), problem(refused)));
  phone.answers.login = refuse;
  phone.answers.call = refuse;
}
phone.answers.pictureDoor = () => ({ url: 'ws://127.0.0.1:1', token: '', accelerated: true });
phone.answers.videoSources = () => ({
  cameras: [{ id: 'cam-1', name: 'Built-in camera' }],
  screens: [
    { id: 's1', name: 'Built-in display' },
    { id: 's2', name: 'External display' },
  ],
  windows: [
    { id: 'w1', name: 'Gate plan, second floor' },
    { id: 'w2', name: 'Mail' },
  ],
});
Object.defineProperty(window, 'WebSocket', { value: SampleSocket });
connectTo(phone);
if (name === 'kicked-out') session.ended = problem('kicked_out');

const target = document.getElementById('app');
if (target) mount(App, { target });
void press();

async function press() {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 60));
  await pause();
  for (const step of params.getAll('press')) {
    await tick();
    if (step.startsWith('key:')) {
      const key = new KeyboardEvent('keydown', { key: step.slice(4), bubbles: true, cancelable: true });
      document.activeElement?.dispatchEvent(key);
      await pause();
      continue;
    }
    const [selector, text] = step.split('=');
    const element = document.querySelector<HTMLElement>(
      selector?.startsWith('@') ? `[data-user-id="${selector.slice(1)}"]` : `[data-testid="${selector}"]`,
    );
    if (element instanceof HTMLInputElement && text !== undefined) {
      element.value = text;
      element.dispatchEvent(new InputEvent('input', { bubbles: true }));
    } else if (element instanceof HTMLSelectElement && text !== undefined) {
      element.value = text;
      element.dispatchEvent(new Event('change', { bubbles: true }));
    } else {
      element?.click();
    }
    await pause();
  }
}
