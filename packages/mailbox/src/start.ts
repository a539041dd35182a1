import type { ALL_FEATURES } from "./core.js";
import { ConfigurationError, type Features } from "./core.js";
import { type ListeningMailbox, type ListenOptions, Mailbox, type MailboxOptions } from "./mailbox.js";

/** Options of {@link startMailbox}. */
export interface StartMailboxOptions<F extends Features = typeof ALL_FEATURES>
  extends Omit<MailboxOptions<F>, "url">,
    Omit<ListenOptions, "smtp"> {
  /**
   * Port for SMTP; `false` for none. @default 1025 where `smtp-server` is installed and the port is free, else none
   */
  readonly smtp?: number | false | undefined;
}

/** A mailbox that {@link startMailbox} started. */
export interface RunningMailbox<F extends Features = typeof ALL_FEATURES> extends ListeningMailbox {
  readonly mailbox: Mailbox<F>;
  /** Why there is no SMTP, where it was not asked for and could not be had. */
  readonly smtpMissing: string | undefined;
}

/**
 * Starts a mailbox with its page, for a command or a script.
 *
 * @example
 * const { url, smtpUrl, close } = await startMailbox({ port: 4025 });
 * @throws ConfigurationError for an option that is malformed, or a port in use
 */
export async function startMailbox<const F extends Features = typeof ALL_FEATURES>(
  options: StartMailboxOptions<F> = {},
): Promise<RunningMailbox<F>> {
  const { port, host, smtp, ...rest } = options;
  const mailbox = new Mailbox<F>(rest as MailboxOptions<F>);
  let smtpMissing: string | undefined;
  let listening: ListeningMailbox;
  try {
    listening = await mailbox.listen({ port, host, smtp: smtp ?? 1025 });
  } catch (error) {
    if (smtp !== undefined || !(error instanceof ConfigurationError)) throw error;
    // The page is worth having without SMTP. What is wrong with the page's own port is thrown by this second call.
    smtpMissing = error.message;
    listening = await mailbox.listen({ port, host, smtp: false });
  }
  return { ...listening, mailbox, smtpMissing, close: () => mailbox.close() };
}
