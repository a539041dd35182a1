import { Readable } from "node:stream";
import nodemailer from "nodemailer";
import { compose } from "./compose.js";
import type { Address, DryRunRequest, NormalizedMessage } from "./core.js";
import { ApiError, TransportError } from "./core.js";
import { readFailure, type SendState } from "./failure.js";
import {
  type SmtpOAuth2,
  type SmtpOptions,
  type SmtpPassword,
  type SmtpSettings,
  smtpSecrets,
  smtpSettings,
} from "./options.js";
import type { SmtpReply } from "./reply.js";
import { type Envelope, type PreparedMessage, TransporterBackend } from "./transporter.js";

const DEFAULT_CONNECT_TIMEOUT = 10_000;
const DEFAULT_SOCKET_TIMEOUT = 30_000;
const DEFAULT_IDLE_TIMEOUT = 60_000;
/** Bytes of a message that are handed on at a time. */
const CHUNK = 65_536;

/** Sends through an SMTP server, by Nodemailer's transport. For Node, Bun and Deno. */
export class SmtpBackend extends TransporterBackend<SmtpOptions> {
  readonly #settings: SmtpSettings;

  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: SmtpOptions = {}) {
    const settings = smtpSettings(options);
    super("SMTP", settings.options, smtpSecrets(settings));
    this.#settings = settings;
  }

  /**
   * Connects and authenticates, and sends nothing.
   *
   * @throws ApiError, TransportError when that fails
   */
  async verify(): Promise<void> {
    const transporter = this.createTransporter();
    try {
      await transporter.verify();
    } catch (error) {
      const failure = readFailure(error, { ended: false, cut: undefined, ...this.proof() });
      const { reply, phase, code } = failure;
      const message = this.redact(`SMTP: the server cannot be used: ${failure.message}`);
      const hint = reply && this.advice(reply, failure.command);
      if (reply) {
        throw new ApiError(hint ? `${message}; ${hint}` : message, {
          provider: this.provider,
          status: reply.status,
          headers: {},
          body: this.redact(failure.message),
          code: reply.enhanced,
          retryable: reply.status < 500,
        });
      }
      throw new TransportError(message, {
        provider: this.provider,
        phase,
        code,
        retryable: phase === "connect",
      });
    } finally {
      transporter.close();
    }
  }

  protected createTransporter(): ReturnType<typeof makeTransporter> {
    return makeTransporter(this.#settings, (line) => this.debug(line));
  }

  protected async compose(message: NormalizedMessage, to: readonly Address[]): Promise<PreparedMessage> {
    const { bytes, messageId } = await compose(message, to, this.#settings.dkim);
    const { dsn } = this.#settings.options;
    return {
      messageId,
      mail: (envelope, onEnd) => ({
        // Nodemailer checks the server's SIZE only against a size that it is given.
        envelope: { ...wireEnvelope(envelope), size: bytes.length, use8BitMime: has8Bit(bytes) },
        raw: chunks(bytes),
        disableFileAccess: true,
        disableUrlAccess: true,
        [ON_END]: onEnd,
        ...(dsn
          ? {
              dsn: {
                id: messageId.replace(/[<>]/g, ""),
                notify: [...dsn.notify],
                ...(dsn.return ? { return: dsn.return } : {}),
              },
            }
          : {}),
      }),
      describe: (envelope) => this.describe(envelope, bytes),
    };
  }

  protected proof(): Pick<SendState, "proof" | "host" | "stops"> {
    return { proof: "stream", stops: true, host: this.#settings.host };
  }

  protected advice({ status, enhanced }: SmtpReply, command: string | undefined): string | undefined {
    const { auth } = this.#settings;
    if (status === 535 || (command?.startsWith("AUTH") && status >= 500))
      return 'check option "auth": the server does not accept the user or the password';
    if (status === 530 && enhanced !== "5.7.0" && !auth)
      return 'pass option "auth": the server wants authentication';
    if (status === 530)
      return auth ? 'check options "tls" and "auth"' : 'pass option "auth": the server wants authentication';
    if (command === "STARTTLS")
      return 'the server has no STARTTLS: use its TLS port with option "tls": "implicit"';
    return undefined;
  }

  private describe(envelope: Envelope, bytes: Buffer): DryRunRequest {
    const { host, port, tls } = this.#settings;
    const authority = host.includes(":") ? `[${host}]` : host;
    return {
      method: "SMTP",
      url: `${tls === "implicit" ? "smtps" : "smtp"}://${authority}:${port}`,
      headers: {},
      payload: { json: { from: envelope.from, to: [...envelope.to] } },
      body: bytes.toString("utf8"),
      hooksRan: true,
    };
  }
}

/** Where a message's data keeps what is called when the message was read to its end. */
const ON_END = "posthornOnEnd";

function makeTransporter(settings: SmtpSettings, debug: (line: string) => void) {
  const { host, port, tls, isLoopback, options } = settings;
  const { pool, name, localAddress, proxy } = options;
  const verifies = !(isLoopback && tls === "optional");
  const kept = typeof pool === "object" ? pool : {};
  const log = (_: unknown, line: unknown, ...values: unknown[]): void =>
    debug(values.reduce<string>((text, value) => text.replace(/%[sdj]/, () => String(value)), String(line)));
  const transporter = nodemailer.createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "required",
    opportunisticTLS: tls === "optional",
    ignoreTLS: tls === "none",
    // On this machine there is nobody on the way, and local servers have certificates that nobody signed.
    tls: {
      ...(verifies ? {} : { rejectUnauthorized: false }),
      ...(options.tlsOptions as object | undefined),
    },
    auth: nodemailerAuth(settings.auth),
    connectionTimeout: options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
    greetingTimeout: options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
    dnsTimeout: options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
    socketTimeout: options.socketTimeout ?? DEFAULT_SOCKET_TIMEOUT,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(name === undefined ? {} : { name }),
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(options.debug
      ? {
          transactionLog: true,
          logger: {
            level: () => {},
            trace: log,
            debug: log,
            info: () => {},
            warn: log,
            error: () => {},
            fatal: log,
          },
        }
      : {}),
    ...(pool
      ? {
          pool: true,
          maxConnections: kept.connections ?? 5,
          maxMessages: kept.messages ?? 100,
          idleTimeout: kept.idleTimeout ?? DEFAULT_IDLE_TIMEOUT,
          // Repeats are the retry policy's alone.
          maxRequeues: 0,
        }
      : {}),
  } as Parameters<typeof nodemailer.createTransport>[0] & object);
  // What decides whether a message may have been sent is whether it was read to its end: the final dot comes after that.
  transporter.use("stream", (mail, done) => {
    const onEnd = (mail.data as unknown as Record<string, unknown>)[ON_END];
    mail.message?.processFunc((input: Readable) => {
      input.once("end", () => {
        if (typeof onEnd === "function") onEnd();
      });
      return input;
    });
    done();
  });
  // Failures come out of each send; without a listener they would end the process.
  transporter.on("error", () => {});
  return transporter;
}

/** Credentials as Nodemailer takes them. */
function nodemailerAuth(auth: SmtpPassword | SmtpOAuth2 | undefined): object | undefined {
  if (!auth) return undefined;
  if ("pass" in auth && auth.pass !== undefined)
    return { user: auth.user, pass: auth.pass, method: auth.method };
  const { user, accessToken, oauth2 } = auth as SmtpOAuth2;
  if (typeof accessToken !== "function") return { type: "OAuth2", user, accessToken, ...oauth2 };
  const provisionCallback = (
    _user: string,
    _renew: boolean,
    done: (error: Error | null, token?: string) => void,
  ): void => {
    Promise.resolve()
      .then(accessToken)
      .then(
        (token) => done(null, token),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
  };
  return { type: "OAuth2", user, provisionCallback };
}

function wireEnvelope({ from, to }: Envelope): object {
  // As objects, so that nothing is parsed again.
  return { from: { name: "", address: from }, to: to.map((address) => ({ name: "", address })) };
}

function chunks(bytes: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
    })(),
    { objectMode: false },
  );
}

function has8Bit(bytes: Buffer): boolean {
  return bytes.some((byte) => byte > 127);
}
