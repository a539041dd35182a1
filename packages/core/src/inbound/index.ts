/** Mail that comes in: `@posthorn/core/inbound`. */
export { fetchBytes, urlPath } from "../bytes/fetch-bytes.js";
export { parseStructured, type StructuredValue } from "../webhooks/parameters.js";
export { formatInboundAddress, type InboundAddress, parseInboundAddresses } from "./address.js";
export { decodeText } from "./charset.js";
export {
  type InboundAttachment,
  type InboundAuthentication,
  type InboundDetails,
  type InboundEvent,
  type InboundHeaders,
  type InboundMessage,
  type InboundParts,
  inboundAttachment,
  inboundEvent,
  inboundMessage,
  noMessage,
  safeFilename,
} from "./message.js";
export {
  filenameOf,
  headersOfList,
  headersOfRecord,
  inboundFromMime,
  parseHeaderLines,
  requireMime,
} from "./mime.js";
export { readMessages } from "./read-messages.js";
export { decodeHeader } from "./words.js";
