/**
 * Messages in MIME (RFC 5322, RFC 2045), for providers that take them raw.
 *
 * @module
 */
export { encodeMime, type MimeText } from "./base64.js";
export { buildMime, encodedAddress } from "./build.js";
