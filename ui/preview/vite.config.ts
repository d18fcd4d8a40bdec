// Every screen with sample people and without a phone: npm run preview, then open what it prints with ?view=call etc.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { wat } from '../wat';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: '../svelte.config.js' }), wat()],
  clearScreen: false,
  cacheDir: '../node_modules/.vite-preview',
  server: { host: '127.0.0.1', port: 5174, fs: { allow: ['..'] } },
});
