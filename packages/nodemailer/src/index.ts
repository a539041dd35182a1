/**
 * Posthorn and Nodemailer, both ways: a backend as a transport, a transporter as a backend.
 *
 * @module
 */
export {
  type NodemailerBackend,
  type NodemailerBackendMessage,
  type NodemailerBackendOptions,
  type NodemailerFeatures,
  type NodemailerTransporter,
  nodemailerBackend,
} from "./backend.js";
export type { NodemailerMessage } from "./mail.js";
export {
  type PosthornInfo,
  type PosthornTransport,
  PosthornTransportError,
  type PosthornTransportOptions,
  posthornTransport,
} from "./transport.js";
