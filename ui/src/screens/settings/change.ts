import { setSettings, type SettingsPatch } from '../../callkit';
import { attempt } from '../../state/toasts.svelte';

/** Changes a setting at once; what goes wrong is said. */
export const change = (patch: SettingsPatch): void => void attempt(setSettings(patch));
