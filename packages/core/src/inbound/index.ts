/** Mail that comes in: `@posthorn/core/inbound`. */
export { fetchBytes, urlPath } from "../bytes/fetch-bytes.js";
export { decodeText } from "./charset.js";
export {
  formatInboundAddress,
  type InboundAddress,
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
  parseInboundAddresses,
} from "./message.js";
export { headersOfList, headersOfRecord, inboundFromMime, parseHeaderLines } from "./mime.js";
export { readMessages } from "./read-mails.js";
