import { ConfigurationError } from "@posthorn/core";
import type { NormalizedMessage } from "@posthorn/core/provider";
import {
  mailOptions,
  newMessageId,
  type PreparedMessage,
  TransporterBackend,
} from "@posthorn/smtp/transporter";
import type { NodemailerBackendOptions, NodemailerTransporter } from "./backend.js";

/** Where a message's data keeps what is called when the message was read to its end. */
const ON_END = "posthornOnEnd";
/** Nodemailer's own transports of SMTP, which send nothing that counts before they have read the message. */
const SMTP = /^SMTP(?: \(pool\))?$/;
/** Transporters that have the observer already. */
const observed = new WeakSet<object>();

/** Sends through a Nodemailer transporter. */
export class NodemailerTransporterBackend extends TransporterBackend<NodemailerBackendOptions> {
  readonly #transporter: NodemailerTransporter;
  readonly #isSmtp: boolean;
  readonly #stops: boolean;
  readonly #host: string;

  /** @throws ConfigurationError for something that is no transporter, or a malformed option */
  constructor(transporter: NodemailerTransporter, options: NodemailerBackendOptions = {}) {
    if (typeof transporter?.sendMail !== "function")
      throw new ConfigurationError(
        "Nodemailer: a transporter is required: pass what nodemailer.createTransport returns",
        { provider: "Nodemailer" },
      );
    const transport = (transporter.transporter ?? {}) as {
      readonly name?: unknown;
      readonly supportsAbortSignal?: unknown;
    };
    const name = typeof transport.name === "string" ? transport.name : "custom";
    super(`Nodemailer (${name.replace(/[()]/g, "").trim()})`, options, []);
    this.#transporter = transporter;
    this.#isSmtp = SMTP.test(name) && typeof transporter.use === "function";
    this.#stops = transport.supportsAbortSignal === true;
    const { host } = (transporter.options ?? {}) as { readonly host?: unknown };
    this.#host = typeof host === "string" ? host : "";
    if (this.#isSmtp) observe(transporter);
  }

  /** Closes the transporter, which is not to be used any more then. */
  override async close(): Promise<void> {
    this.#transporter.close?.();
  }

  protected createTransporter(): NodemailerTransporter {
    return this.#transporter;
  }

  protected async compose(message: NormalizedMessage, to: NormalizedMessage["to"]): Promise<PreparedMessage> {
    const options = await mailOptions(message, to);
    const messageId = options.messageId ?? newMessageId(message.from[0]?.domain ?? "localhost");
    // Transports other than SMTP read the recipients from here; Nodemailer leaves Bcc out of what it writes.
    const bcc = message.bcc.map(({ name, email }) => ({ name, address: email }));
    return {
      messageId,
      mail: (envelope, onEnd) => ({
        ...options,
        bcc,
        messageId,
        // Fresh objects, since Nodemailer writes into them.
        attachments: options.attachments.map((file) => ({ ...file })),
        alternatives: options.alternatives.map((part) => ({ ...part })),
        envelope: { from: envelope.from, to: [...envelope.to] },
        [ON_END]: onEnd,
      }),
      describe: (envelope) => ({
        method: "SEND",
        url: "nodemailer:",
        headers: {},
        payload: { json: { from: envelope.from, to: [...envelope.to], subject: options.subject ?? "" } },
        body: options.text ?? options.html ?? "",
        hooksRan: true,
      }),
    };
  }

  protected proof(): { readonly proof: "stream" | "reply"; readonly host: string; readonly stops: boolean } {
    return { proof: this.#isSmtp ? "stream" : "reply", host: this.#host, stops: this.#stops };
  }

  protected advice(): undefined {
    return undefined;
  }
}

/** Has each message tell when it was read to its end, DKIM and line endings included. */
function observe(transporter: NodemailerTransporter): void {
  if (observed.has(transporter)) return;
  observed.add(transporter);
  transporter.use?.("stream", (mail, done) => {
    const { data, message } = mail as {
      data: Record<string, unknown>;
      message: {
        createReadStream(options?: unknown): { once(event: string, listener: () => void): unknown };
      };
    };
    const onEnd = data[ON_END];
    if (typeof onEnd === "function") {
      const create = message.createReadStream.bind(message);
      message.createReadStream = (options) => {
        const stream = create(options);
        stream.once("end", () => onEnd());
        return stream;
      };
    }
    done();
  });
}
