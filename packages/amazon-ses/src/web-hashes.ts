import type { Hashes } from "./sigv4.js";

const utf8 = new TextEncoder();

/** By Web Cryptography, whose answers come from another thread. */
export const webHashes: Hashes = {
  async sha256(text) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
  },
  async hmac(key, text) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, utf8.encode(text)));
  },
};
