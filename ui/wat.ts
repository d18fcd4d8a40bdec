// WebAssembly in its text form: a file.wat that is imported is the bytes of its module.
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';
import wabt from 'wabt';

export function wat(): Plugin {
  return {
    name: 'wat',
    enforce: 'pre',
    async load(id) {
      const [path = ''] = id.split('?');
      if (!path.endsWith('.wat')) return null;
      const tools = await wabt();
      const module = tools.parseWat(path, await readFile(path), { simd: true });
      try {
        module.validate();
        const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
        return `export default Uint8Array.from(atob('${base64}'), (it) => it.charCodeAt(0));`;
      } finally {
        module.destroy();
      }
    },
  };
}
