// WebAssembly in its text form, as wat.ts of the build hands it over.
declare module '*.wat' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
