import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { TEST_CERTIFICATE, TEST_KEY } from "./test-certificate.js";

/**
 * A step of an SMTP session (RFC 5321), at which a fault server can fail.
 *
 * - `connect`: a connection is accepted, the greeting is due.
 * - `ehlo`, `starttls`, `auth`, `mail`, `rcpt`, `data`, `rset`: the command was read, its reply is due.
 * - `body`: a part of the message was read, and the server reads no more of it.
 * - `end`: the message was read whole, final dot included; its reply is due.
 * - `accepted`: the message's 250 was written.
 */
export type SmtpStep =
  | "connect"
  | "ehlo"
  | "starttls"
  | "auth"
  | "mail"
  | "rcpt"
  | "data"
  | "rset"
  | "body"
  | "end"
  | "accepted";

/** What a fault SMTP server does at a step, instead of going on. */
export interface SmtpFault {
  readonly at: SmtpStep;
  /**
   * A reply such as `"550 5.1.1 No such user"` (several lines with `\n` between), or what is done to the connection: `reset` is
   * a TCP RST, `close` a FIN, `stall` no reply at all, `garbage` bytes that are no SMTP.
   */
  readonly does: "reset" | "close" | "stall" | "garbage" | `${number} ${string}` | `${number}-${string}`;
  /** For `rcpt`: only for addresses that hold this string. */
  readonly recipient?: string;
  /** How many times, over all connections. Default: once for scripted faults, without end for those given at the start. */
  readonly times?: number;
}

/** Options of {@link startFaultSmtp}. */
export interface FaultSmtpOptions {
  /** Faults that last as long as the server. */
  readonly faults?: readonly SmtpFault[];
  /** `implicit` speaks TLS from the start, `starttls` offers the upgrade; the certificate is one that nobody trusts. */
  readonly tls?: "implicit" | "starttls";
  /** The user names and passwords (or OAuth2 access tokens) that are accepted. Without it AUTH is not offered. */
  readonly users?: Readonly<Record<string, string>>;
  /** AUTH mechanisms offered. @default "PLAIN LOGIN XOAUTH2" */
  readonly mechanisms?: string;
  /** Bytes; offered as SIZE (RFC 1870). */
  readonly size?: number;
  /** Further EHLO keywords, such as `PIPELINING`, `DSN` or `SMTPUTF8`. */
  readonly extensions?: readonly string[];
  /** The reply to a message that was accepted. @default "250 2.0.0 Ok: queued as <number>" */
  readonly reply?: string;
  /** Recipients for one message; more get a 452 (RFC 5321 section 4.5.3.1.10). */
  readonly maxRecipients?: number;
}

/** A message that a fault SMTP server accepted. */
export interface SmtpMessage {
  /** The address of MAIL FROM. */
  readonly from: string;
  /** The addresses of RCPT TO that were accepted. */
  readonly to: readonly string[];
  /** The message without its dot stuffing, one character a byte. */
  readonly data: string;
  /** What followed the address of MAIL FROM, such as `SIZE=100`. */
  readonly parameters: string;
  /** What followed each address of RCPT TO. */
  readonly recipientParameters: readonly string[];
  readonly user: string | undefined;
  readonly secure: boolean;
}

/** A scripted SMTP server on loopback that fails on demand. */
export interface FaultSmtp {
  readonly host: string;
  readonly port: number;
  /** `smtp://127.0.0.1:port`, or `smtps:` for implicit TLS. */
  readonly url: string;
  /** Messages accepted (their 250 was due or written), oldest first. */
  readonly messages: readonly SmtpMessage[];
  /** Command lines read, credentials included. */
  readonly commands: readonly string[];
  /** Connections accepted. */
  readonly connections: number;
  /** Sockets open now. */
  readonly openSockets: number;
  /** What arrived up to a final dot, accepted or not, oldest first. */
  readonly contents: readonly string[];
  /** Puts faults in line: each is used up at the next occurrence of its step. */
  script(...faults: readonly SmtpFault[]): void;
  /** Forgets messages, commands and scripted faults. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a fault SMTP server on a free port of 127.0.0.1. */
export async function startFaultSmtp(options: FaultSmtpOptions = {}): Promise<FaultSmtp> {
  const state: ServerState = {
    options,
    faults: (options.faults ?? []).map((fault) => ({ fault, left: fault.times ?? Infinity })),
    messages: [],
    commands: [],
    contents: [],
  };
  const permanent = [...state.faults];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    new SmtpSession(socket, state).start();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return {
    host: "127.0.0.1",
    port: address.port,
    url: `${options.tls === "implicit" ? "smtps" : "smtp"}://127.0.0.1:${address.port}`,
    messages: state.messages,
    commands: state.commands,
    get connections() {
      return connections;
    },
    get openSockets() {
      return sockets.size;
    },
    contents: state.contents,
    script: (...faults) =>
      void state.faults.push(...faults.map((fault) => ({ fault, left: fault.times ?? 1 }))),
    reset: () => {
      state.faults.splice(0, state.faults.length, ...permanent);
      state.messages.length = 0;
      state.commands.length = 0;
      state.contents.length = 0;
      connections = 0;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface ServerState {
  readonly options: FaultSmtpOptions;
  readonly faults: { readonly fault: SmtpFault; left: number }[];
  readonly messages: SmtpMessage[];
  readonly commands: string[];
  readonly contents: string[];
}

/** The end of a message (RFC 5321 section 4.1.1.4). */
const END = "\r\n.\r\n";

class SmtpSession {
  private input = "";
  private secure: boolean;
  private user: string | undefined;
  private from: string | undefined;
  private parameters = "";
  private to: string[] = [];
  private recipientParameters: string[] = [];
  /** Reads the next lines instead of commands: credentials. */
  private readonly answers: ((line: string) => void)[] = [];
  private isInData = false;
  /** Whether the session is over: stalled, reset or closed. */
  private isOver = false;

  constructor(
    private socket: Socket,
    private readonly server: ServerState,
  ) {
    this.secure = server.options.tls === "implicit";
  }

  start(): void {
    if (this.secure) this.startTls();
    else this.listen();
    if (!this.fails("connect")) this.reply("220 fault.example ESMTP");
  }

  private listen(): void {
    this.socket.on("data", (chunk: Buffer) => {
      if (this.isOver) return;
      this.input += chunk.toString("latin1");
      this.read();
    });
  }

  private startTls(): void {
    this.socket.removeAllListeners("data");
    const secured = new TLSSocket(this.socket, { isServer: true, key: TEST_KEY, cert: TEST_CERTIFICATE });
    // A client that does not trust the certificate goes away.
    secured.on("error", () => secured.destroy());
    this.socket = secured;
    this.secure = true;
    this.listen();
  }

  private read(): void {
    while (!this.isOver) {
      if (this.isInData) {
        if (!this.readData()) return;
        continue;
      }
      const end = this.input.indexOf("\r\n");
      if (end < 0) return;
      const line = this.input.slice(0, end);
      this.input = this.input.slice(end + 2);
      this.server.commands.push(line);
      const answer = this.answers.shift();
      if (answer) answer(line);
      else this.command(line);
    }
  }

  /** @returns whether the message has ended */
  private readData(): boolean {
    const end = this.input.startsWith(".\r\n") ? -2 : this.input.indexOf(END);
    if (end === -1) {
      if (this.input.length > 1000) this.fails("body");
      return false;
    }
    const data = this.input.slice(0, Math.max(end, 0)).replace(/(^|\r\n)\.\./g, "$1.");
    this.input = this.input.slice(end + END.length);
    this.isInData = false;
    this.server.contents.push(data);
    if (this.fails("end")) {
      this.clear();
      return true;
    }
    const number = this.server.messages.length + 1;
    this.server.messages.push({
      from: this.from ?? "",
      to: this.to,
      data,
      parameters: this.parameters,
      recipientParameters: this.recipientParameters,
      user: this.user,
      secure: this.secure,
    });
    this.clear();
    this.reply(this.server.options.reply ?? `250 2.0.0 Ok: queued as ${number}`);
    this.fails("accepted");
    return true;
  }

  private command(line: string): void {
    const verb = line.slice(0, 4).toUpperCase();
    switch (verb) {
      case "EHLO":
      case "HELO":
        if (this.fails("ehlo")) return;
        this.reply(verb === "EHLO" ? this.greeting() : "250 fault.example");
        return;
      case "STAR":
        if (this.fails("starttls")) return;
        if (this.server.options.tls !== "starttls" || this.secure) {
          this.reply("502 5.5.1 Not available");
          return;
        }
        this.input = "";
        this.reply("220 2.0.0 Go ahead");
        this.startTls();
        return;
      case "AUTH":
        this.authenticate(line);
        return;
      case "MAIL":
        this.mail(line);
        return;
      case "RCPT":
        this.recipient(line);
        return;
      case "DATA":
        if (this.fails("data")) return;
        if (this.to.length === 0) {
          this.reply("554 5.5.1 No valid recipients");
          return;
        }
        this.reply("354 Go ahead");
        this.isInData = true;
        return;
      case "RSET":
        if (this.fails("rset")) return;
        this.clear();
        this.reply("250 2.0.0 Ok");
        return;
      case "QUIT":
        this.reply("221 2.0.0 Bye");
        this.socket.end();
        return;
      default:
        this.reply("500 5.5.2 Unknown command");
        return;
    }
  }

  private greeting(): string {
    const { tls, users, mechanisms, size, extensions } = this.server.options;
    const offered = [
      "fault.example",
      "ENHANCEDSTATUSCODES",
      ...(tls === "starttls" && !this.secure ? ["STARTTLS"] : []),
      ...(users ? [`AUTH ${mechanisms ?? "PLAIN LOGIN XOAUTH2"}`] : []),
      ...(size === undefined ? [] : [`SIZE ${size}`]),
      ...(extensions ?? []),
    ];
    return offered
      .map((keyword, index) => `250${index === offered.length - 1 ? " " : "-"}${keyword}`)
      .join("\n");
  }

  private authenticate(line: string): void {
    if (this.fails("auth")) return;
    const [, mechanism = "", initial] = line.split(" ");
    const check = (user: string | undefined, password: string | undefined): void => {
      const isKnown = user !== undefined && this.server.options.users?.[user] === password;
      if (isKnown) this.user = user;
      this.reply(isKnown ? "235 2.7.0 Accepted" : "535 5.7.8 Authentication credentials invalid");
    };
    switch (mechanism.toUpperCase()) {
      case "PLAIN": {
        const [, user, password] = decode(initial).split("\0");
        check(user, password);
        return;
      }
      case "LOGIN":
        this.reply("334 VXNlcm5hbWU6");
        this.answers.push((user) => {
          this.reply("334 UGFzc3dvcmQ6");
          this.answers.push((password) => check(decode(user), decode(password)));
        });
        return;
      case "XOAUTH2": {
        const [, user, token] =
          // biome-ignore lint/suspicious/noControlCharactersInRegex: SASL XOAUTH2 has them
          /^user=([^\u0001]*)\u0001auth=Bearer ([^\u0001]*)/.exec(decode(initial)) ?? [];
        if (user !== undefined && this.server.options.users?.[user] === token) {
          check(user, token);
          return;
        }
        // The reason comes first, and the client answers it with an empty line.
        this.reply(`334 ${Buffer.from('{"status":"401"}').toString("base64")}`);
        this.answers.push(() => this.reply("535 5.7.8 Bad token"));
        return;
      }
      default:
        this.reply("504 5.5.4 Unknown mechanism");
        return;
    }
  }

  private mail(line: string): void {
    const [, address = "", parameters = ""] = /^MAIL FROM:<([^>]*)>\s*(.*)$/i.exec(line) ?? [];
    if (this.fails("mail")) return;
    this.from = address;
    this.parameters = parameters;
    this.reply("250 2.1.0 Ok");
  }

  private recipient(line: string): void {
    const [, address = "", parameters = ""] = /^RCPT TO:<([^>]*)>\s*(.*)$/i.exec(line) ?? [];
    if (this.fails("rcpt", address)) return;
    if (this.from === undefined) {
      this.reply("503 5.5.1 MAIL first");
      return;
    }
    if (this.to.length >= (this.server.options.maxRecipients ?? Infinity)) {
      this.reply("452 4.5.3 Too many recipients");
      return;
    }
    this.to.push(address);
    this.recipientParameters.push(parameters);
    this.reply("250 2.1.5 Ok");
  }

  private clear(): void {
    this.from = undefined;
    this.to = [];
    this.recipientParameters = [];
  }

  private reply(text: string): void {
    this.socket.write(`${text.replaceAll("\n", "\r\n")}\r\n`);
  }

  /** Commits the fault of a step, if there is one. */
  private fails(step: SmtpStep, recipient = ""): boolean {
    const found = this.server.faults.find(
      ({ fault, left }) => fault.at === step && left > 0 && recipient.includes(fault.recipient ?? ""),
    );
    if (!found) return false;
    found.left--;
    const { does } = found.fault;
    switch (does) {
      case "garbage":
        this.reply("<html>It works!</html>");
        break;
      case "stall":
        this.isOver = true;
        break;
      case "close":
        this.isOver = true;
        this.socket.end();
        break;
      case "reset":
        this.isOver = true;
        reset(this.socket);
        break;
      default:
        this.reply(does);
        // RFC 5321 section 3.8: after a 421 the server closes the connection. So it does at a refused greeting here.
        if (does.startsWith("421") || step === "connect") {
          this.isOver = true;
          this.socket.end();
        }
    }
    // What is not read fills the socket's buffers, so that the client's last byte cannot leave.
    if (step === "body") this.socket.pause();
    return true;
  }
}

function decode(base64: string | undefined): string {
  return Buffer.from(base64 ?? "", "base64").toString();
}

/** RST instead of FIN. Bun and Deno have no `resetAndDestroy` for every socket. */
function reset(socket: Socket): void {
  if (typeof socket.resetAndDestroy === "function") socket.resetAndDestroy();
  else socket.destroy();
}
