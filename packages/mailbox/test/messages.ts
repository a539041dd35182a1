import type { ALL_FEATURES } from "../src/core.js";
import { type Mailbox, mailbox } from "../src/index.js";

/** A message with nothing special. */
export const HELLO = {
  from: "Ada <ada@example.com>",
  to: ["Grace <grace@example.org>"],
  subject: "Hello",
  text: "Hi Grace",
  html: "<p>Hi Grace</p>",
};

const BASE = "http://localhost:4025";

/** Asks a mailbox as a program does: without the headers of browsers. */
export function ask(
  mail: Mailbox<typeof ALL_FEATURES>,
  path: string,
  init: RequestInit & { readonly json?: unknown } = {},
): Promise<Response> {
  const { json, ...rest } = init;
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const headers = new Headers(rest.headers);
  if (json !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
  return mail.fetch(new Request(path.startsWith("http") ? path : BASE + path, { ...rest, ...body, headers }));
}

export function memoryMailbox(options: Parameters<typeof mailbox>[0] = {}): Mailbox<typeof ALL_FEATURES> {
  return mailbox({ file: false, ...options }) as Mailbox<typeof ALL_FEATURES>;
}

export async function newestId(mail: Mailbox<typeof ALL_FEATURES>): Promise<string> {
  const [newest] = await mail.listMessages();
  if (!newest) throw new Error("the mailbox is empty");
  return newest.id;
}
