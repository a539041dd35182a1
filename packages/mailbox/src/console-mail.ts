import { ALL_FEATURES, type Features } from "./core.js";
import { type Like, SinkBackend, type SinkOptions } from "./sink.js";
import { plainText, recipientsOf, type StoredAddress, type StoredContent } from "./stored-message.js";

/** Options of {@link consoleMail}. */
export interface ConsoleMailOptions<F extends Features = typeof ALL_FEATURES> extends SinkOptions<F> {
  /** The provider that the application uses in production: see `mailbox`. @default everything is accepted */
  readonly like?: Like<F> | undefined;
  /** Where messages are written, a text of several lines each. @default `console.log` */
  readonly write?: ((text: string) => void) | undefined;
  /** Characters of the text that are shown. @default 2,000 */
  readonly maxLength?: number | undefined;
}

/**
 * A backend that prints messages in the terminal instead of sending them.
 *
 * @example const mail = consoleMail();
 */
export function consoleMail<const F extends Features = typeof ALL_FEATURES>(
  options: ConsoleMailOptions<F> = {},
): SinkBackend<F> {
  const {
    like = ALL_FEATURES as unknown as F,
    write = (text: string) => console.log(text),
    maxLength = 2_000,
    ...rest
  } = options;
  const deliver = async (content: StoredContent) => {
    write(printMessage(content, maxLength));
    const id = `console-${crypto.randomUUID()}`;
    const entries = recipientsOf(content).map(({ email }) => [
      email,
      { status: "sent" as const, messageId: id },
    ]);
    return { id, recipients: Object.fromEntries(entries) };
  };
  return new SinkBackend<F>("Console", like, { deliver }, rest as SinkOptions<F>);
}

/** A message as lines for a terminal. */
function printMessage(content: StoredContent, maxLength: number): string {
  const rows: [string, string][] = [
    ["From", list(content.from)],
    ["To", list(content.to)],
    ["Cc", list(content.cc)],
    ["Bcc", list(content.bcc)],
    ["Reply-To", list(content.replyTo)],
    ["Subject", content.subject ?? ""],
    ["Template", String(content.templateId ?? "")],
    ["Send at", content.sendAt ?? ""],
    ["Tags", content.tags?.join(", ") ?? ""],
    ["Metadata", content.metadata ? JSON.stringify(content.metadata) : ""],
    ...content.attachments.map((file): [string, string] => [
      "Attached",
      `${file.filename ?? "(no name)"}, ${file.contentType}, ${file.size} bytes`,
    ]),
  ];
  const text = plainText(content).trim();
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  const lines = [
    "┌─ Message (not sent)",
    ...rows.filter(([, value]) => value !== "").map(([name, value]) => `${`${name}:`.padEnd(10)}${value}`),
    "",
    ...cut.split(/\r?\n/),
    ...(content.html !== undefined && content.text === undefined ? ["", "(text made from the HTML)"] : []),
  ];
  return `${lines.map((line, index) => (index === 0 ? line : `│ ${printable(line)}`)).join("\n")}\n└─`;
}

function list(addresses: readonly StoredAddress[]): string {
  return addresses.map(({ name, email }) => (name === "" ? email : `${name} <${email}>`)).join(", ");
}

/** Without what would move the cursor, change colours or fake other output (ECMA-48). */
function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return line.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "�");
}
