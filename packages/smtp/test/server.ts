import { readFileSync } from "node:fs";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A message as a real server received it. */
export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly raw: string;
  readonly parsed: ParsedMail;
}

/** smtp-server on a free port of 127.0.0.1, which parses what it receives with mailparser. */
export async function startServer(options: SMTPServerOptions = {}): Promise<{
  readonly port: number;
  readonly received: Received[];
  close(): Promise<void>;
}> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks);
        simpleParser(raw).then(
          (parsed) => {
            const { mailFrom, rcptTo } = session.envelope;
            received.push({
              from: mailFrom ? mailFrom.address : "",
              to: rcptTo.map(({ address }) => address),
              user: session.user === undefined ? undefined : String(session.user),
              secure: session.secure,
              raw: raw.toString("latin1"),
              parsed,
            });
            callback(null, `Ok: queued as Q${received.length}`);
          },
          (error: Error) => callback(error),
        );
      });
    },
    ...options,
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return {
    port: address.port,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The made-up key pair of `@posthorn/testing`, whose certificate is for 127.0.0.1. */
export const TLS = {
  key: readFileSync(new URL("../../testing/src/servers/test-certificate.ts", import.meta.url), "utf8").match(
    /-----BEGIN PRIVATE KEY-----[^`]*-----END PRIVATE KEY-----/,
  )?.[0] as string,
  cert: readFileSync(new URL("../../testing/src/servers/test-certificate.ts", import.meta.url), "utf8").match(
    /-----BEGIN CERTIFICATE-----[^`]*-----END CERTIFICATE-----/,
  )?.[0] as string,
};
