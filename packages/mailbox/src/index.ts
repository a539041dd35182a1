/**
 * The development mailbox: a backend that catches messages, and a page that shows them.
 *
 * @module
 */
export { type ConsoleMailOptions, consoleMail } from "./console-mail.js";
export {
  type MailboxWebhooks,
  mailgunEvents,
  postmarkEvents,
  resendEvents,
  type SimulatedEvent,
  type WebhookFormat,
  type WebhookPost,
} from "./events.js";
export {
  type ListeningMailbox,
  type ListenOptions,
  Mailbox,
  type MailboxOptions,
  mailbox,
} from "./mailbox.js";
export type { PreviewBackend } from "./requests.js";
export type { Like, SinkBackend, SinkOptions } from "./sink.js";
export { type RunningMailbox, type StartMailboxOptions, startMailbox } from "./start.js";
export type {
  MessageQuery,
  MessageSummary,
  SimulatedEventType,
  StoredAddress,
  StoredAttachment,
  StoredContent,
  StoredEvent,
  StoredMessage,
} from "./stored-message.js";
