import { render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { vi } from 'vitest';
import App from '../src/App.svelte';
import { connectTo, type PhoneView } from '../src/callkit';
import { SamplePhone, sampleView } from './samples';

/** The whole interface over a sample phone, settled. */
export async function open(changes: Partial<PhoneView> = {}, window = 'main'): Promise<SamplePhone> {
  const phone = new SamplePhone(sampleView(changes), window);
  connectTo(phone);
  render(App);
  await settled();
  return phone;
}

/** All promises of commands kept and all screens drawn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    await Promise.resolve();
    await tick();
  }
}

export const find = (testid: string): HTMLElement | null =>
  document.querySelector(`[data-testid="${testid}"]`);

/** What has that test id; fails where there is none. */
export function the(testid: string): HTMLElement {
  const found = find(testid);
  if (!found) throw new Error(`nothing shows ${testid}`);
  return found;
}

export const all = (testid: string): HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`),
];

export async function click(testid: string): Promise<void> {
  the(testid).click();
  await settled();
}

export async function type(testid: string, text: string): Promise<void> {
  const field = the(testid) as HTMLInputElement;
  field.focus();
  field.value = text;
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  await settled();
}

/** Presses a key on what has the focus; answers whether its usual effect was prevented. */
export async function key(name: string, modifiers: KeyboardEventInit = {}): Promise<boolean> {
  const target = document.activeElement ?? document.body;
  const event = new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...modifiers });
  target.dispatchEvent(event);
  await settled();
  return event.defaultPrevented;
}

/** Clicks the one of that test id that has these data. */
export async function clickOn(testid: string, data: Record<string, string>): Promise<void> {
  const found = all(testid).find((element) =>
    Object.entries(data).every(([name, value]) => element.dataset[name] === value),
  );
  if (!found) throw new Error(`no ${testid} has ${JSON.stringify(data)}`);
  found.click();
  await settled();
}

/** Chooses an option of a select. */
export async function choose(testid: string, value: string): Promise<void> {
  const select = the(testid) as HTMLSelectElement;
  select.value = value;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await settled();
}

/** Gives a file to a file field. */
export async function give(testid: string, file: File): Promise<void> {
  const input = the(testid) as HTMLInputElement;
  Object.defineProperty(input, 'files', { value: [file], configurable: true });
  input.dispatchEvent(new Event('change', { bubbles: true }));
  await vi.waitFor(settled);
}

/** Every time a command was asked for: what it was given. */
export const given = (phone: SamplePhone, command: string): unknown[] =>
  phone.asked.filter((asked) => asked.command === command).map(({ args }) => args[0]);
