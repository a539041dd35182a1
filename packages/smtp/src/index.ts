import { SmtpBackend } from "./backend.js";
import type { SmtpOptions } from "./options.js";

export { SmtpBackend } from "./backend.js";
export { type SmtpFeatures, smtpFeatures } from "./mime.js";
export type {
  SmtpDkim,
  SmtpDsn,
  SmtpOAuth2,
  SmtpOptions,
  SmtpPassword,
  SmtpPool,
  SmtpRefreshToken,
  SmtpServiceAccount,
  SmtpTls,
  SmtpTlsOptions,
} from "./options.js";
export type { SmtpAttempt } from "./transporter.js";

/**
 * Sends through an SMTP server.
 *
 * @param options its options, or a URL such as `smtps://user:password@smtp.example.com`; `SMTP_URL` or `SMTP_HOST` and its
 *   kin in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 * @example
 * ```ts
 * const mail = smtp({ host: "smtp.example.com", auth: { user: "ada", pass: process.env.SMTP_PASS ?? "" } });
 * await mail.send({ from: "ada@example.com", to: ["grace@example.org"], subject: "Hello", text: "Hello Grace" });
 * ```
 */
export function smtp(options: SmtpOptions | string = {}): SmtpBackend {
  return new SmtpBackend(typeof options === "string" ? { url: options } : options);
}
