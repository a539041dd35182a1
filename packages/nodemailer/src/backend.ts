import type { Backend, BackendOptions, MessageFor } from "@posthorn/core";
import type { DefinedFeatures } from "@posthorn/core/provider";
import { NodemailerTransporterBackend } from "./transporter-backend.js";

/** What a Nodemailer transporter can carry: what MIME and an envelope can. */
export type NodemailerFeatures = DefinedFeatures<{
  cc: true;
  bcc: true;
  replyTo: true;
  html: true;
  amp: true;
  alternatives: true;
  headers: true;
  attachments: true;
  inlineAttachments: true;
  envelopeSender: true;
  mergeHeaders: true;
  multipleFrom: true;
}>;

/** A message that a Nodemailer transporter can send. */
export interface NodemailerBackendMessage extends MessageFor<NodemailerFeatures, "Nodemailer"> {}

/** A Nodemailer transporter as a backend. */
export interface NodemailerBackend extends Backend<NodemailerFeatures, NodemailerBackendMessage> {
  /** Closes the transporter, which is not to be used any more then. */
  close(): Promise<void>;
}

/** A transporter: what `nodemailer.createTransport` returns, of any version from 6.10 on. */
export interface NodemailerTransporter {
  // biome-ignore lint/suspicious/noExplicitAny: the types of Nodemailer's versions have nothing else in common
  sendMail(options: any): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  use?(step: string, plugin: (mail: any, callback: (error?: any) => void) => void): unknown;
  close?(): unknown;
  /** The transport itself. */
  readonly transporter?: unknown;
  readonly options?: unknown;
}

/** Options of {@link NodemailerBackend}: those of every backend that are not of HTTP. */
export interface NodemailerBackendOptions
  extends Omit<
    BackendOptions<NodemailerFeatures>,
    "apiUrl" | "fetch" | "session" | "retryBudget" | "breaker"
  > {
  /** Recipients of one SMTP transaction; a message with more goes in several. @default 100 */
  readonly maxRecipients?: number | undefined;
}

/**
 * Makes any Nodemailer transporter a backend, for pools, retries, hooks and results by recipient.
 *
 * @example
 * ```ts
 * import { failover } from "@posthorn/core";
 * import { nodemailerBackend } from "@posthorn/nodemailer";
 * import { resend } from "@posthorn/resend";
 * import nodemailer from "nodemailer";
 *
 * const mail = failover([resend(), nodemailerBackend(nodemailer.createTransport("smtp://localhost:1025"))]);
 * ```
 * @throws ConfigurationError for something that is no transporter, or a malformed option
 */
export function nodemailerBackend(
  transporter: NodemailerTransporter,
  options: NodemailerBackendOptions = {},
): NodemailerBackend {
  // The class is SMTP's, whose messages name SMTP where a field is lacking.
  return new NodemailerTransporterBackend(transporter, options) as unknown as NodemailerBackend;
}
