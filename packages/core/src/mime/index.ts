/**
 * Messages in MIME (RFC 5322, RFC 2045), for providers that take them raw.
 *
 * @module
 */
export {
  buildMime,
  encodedAddress,
  encodedValue,
  encodeMime,
  type HeaderLines,
  type MimeText,
} from "./build.js";
