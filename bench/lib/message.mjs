/** The one recipient of the benchmarks' message. */
export const RECIPIENT = "grace@example.org";

const PARAGRAPH = "Your parcel has left our warehouse and will be with you within two working days. ";

/** The message that every subject sends: a notification of common size, some 1 KB of text and 4 KB of HTML. */
export const MESSAGE = {
  from: { name: "Ada Lovelace", email: "ada@example.com" },
  to: { name: "Grace Hopper", email: RECIPIENT },
  subject: "Your order has been sent",
  text: PARAGRAPH.repeat(12),
  html: `<!doctype html><html><body>${`<p style="margin:0 0 16px">${PARAGRAPH}</p>`.repeat(36)}</body></html>`,
};

/** It as Posthorn takes it. */
export const POSTHORN_MESSAGE = { ...MESSAGE, to: [MESSAGE.to] };

/** A mailbox as a header has it. */
export function mailbox({ name, email }) {
  return `${name} <${email}>`;
}

export const FROM = mailbox(MESSAGE.from);
export const TO = mailbox(MESSAGE.to);
