import type { DeviceView } from '../callkit';
import { say } from '../words/index.svelte';

/** What a device's menu offers: the system's own choice, all that is there, and the chosen one even if it is not. */
export function deviceOptions(devices: DeviceView[], chosen: string): { value: string; label: string }[] {
  const words = say().settings;
  const options = devices.map(({ id, name }) => ({ value: id, label: name }));
  if (!devices.some(({ id }) => id === 'default'))
    options.unshift({ value: 'default', label: words.systemDefault });
  if (!options.some(({ value }) => value === chosen)) {
    options.push({ value: chosen, label: words.notConnected(chosen) });
  }
  return options;
}
