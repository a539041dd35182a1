import type { SMTPServer as Server, SMTPServerDataStream } from "smtp-server";
import { bind } from "./bind.js";
import { base64Of, contentOfMime } from "./content.js";
import { ConfigurationError, type RecipientResult } from "./core.js";
import type { StoredContent } from "./stored-message.js";

/** What SMTP needs of a mailbox. */
export interface SmtpIntake {
  readonly outcome: (email: string) => RecipientResult["status"];
  /** @param recipients the addresses of `RCPT TO` that were accepted */
  readonly keep: (
    content: StoredContent,
    source: string,
    recipients: readonly string[],
  ) => Promise<{ readonly id: string }>;
}

/** Bytes of a message. */
const MAX_SIZE = 40_000_000;

/**
 * Takes messages by SMTP, with or without a login, so that programs in any language can deliver here.
 *
 * @throws ConfigurationError when `smtp-server` is not installed, or the port is in use
 */
export async function listenSmtp(
  port: number,
  host: string,
  { outcome, keep }: SmtpIntake,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { SMTPServer } = await loadServer();
  const server: Server = new SMTPServer({
    banner: "Posthorn development mailbox",
    authOptional: true,
    allowInsecureAuth: true,
    // There is no certificate that a client would believe.
    hideSTARTTLS: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    size: MAX_SIZE,
    logger: false,
    onAuth: (_auth, _session, done) => done(null, { user: "anyone" }),
    onRcptTo: ({ address }, _session, done) => {
      const status = outcome(address);
      if (status === "sent" || status === "queued") return done();
      done(reply(550, status === "invalid" ? "5.1.1 No such mailbox" : "5.7.1 Rejected"));
    },
    onData: (stream, session, done) => {
      const { mailFrom, rcptTo } = session.envelope;
      const from = mailFrom ? mailFrom.address : "";
      const to = rcptTo.map(({ address }) => address);
      receive(stream)
        .then(async (mime) => keep(await contentOfMime(mime, { from, to }), base64Of(mime), to))
        .then(
          ({ id }) => done(null, `OK: queued as ${id}`),
          (error: Error) => done(reply(stream.sizeExceeded ? 552 : 554, error.message)),
        );
    },
  });
  // A client that goes away in the middle is its own problem.
  server.on("error", () => {});
  const actualPort = await bind(server.server as never, port, host);
  return { port: actualPort, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function loadServer(): Promise<typeof import("smtp-server")> {
  try {
    return await import("smtp-server");
  } catch (cause) {
    throw new ConfigurationError(
      'Mailbox: SMTP needs the package "smtp-server": install it (npm install --save-dev smtp-server), or pass smtp: false',
      { provider: "Mailbox", cause },
    );
  }
}

async function receive(stream: SMTPServerDataStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  if (stream.sizeExceeded) throw new Error(`5.3.4 A message must be smaller than ${MAX_SIZE} bytes`);
  return Buffer.concat(chunks);
}

function reply(responseCode: number, message: string): Error & { responseCode: number } {
  return Object.assign(new Error(message), { responseCode });
}
