import { type InboundAddress, type InboundAttachment, inboundFromMime } from "@posthorn/core/inbound";
import { type AddressObject, simpleParser } from "mailparser";
import { describe, expect, it } from "vitest";
import { CORPUS, type CorpusMessage, type Wanted } from "./corpus.js";

type Seen = Required<Wanted>;

const bytesOf = (mime: string): Uint8Array => Buffer.from(mime, "latin1");
const addressText = ({ name, email }: InboundAddress): string => (name === "" ? email : `${name} <${email}>`);
/** Line ends at the end are no matter. */
const trimmed = (text: string | null | undefined): string | null => text?.replace(/\s+$/, "") || null;

async function ours({ mime }: CorpusMessage): Promise<Seen> {
  const message = await inboundFromMime(bytesOf(mime));
  const fileOf = async (file: InboundAttachment): Promise<Seen["files"][number]> => {
    const bytes = Buffer.from(await (await file.blob()).arrayBuffer()).toString("latin1");
    return file.inline ? [file.filename, bytes, "inline"] : [file.filename, bytes];
  };
  const files = [...Object.values(message.inlines), ...message.attachments];
  return {
    from: message.from && addressText(message.from),
    to: message.to.map(addressText),
    cc: message.cc.map(addressText),
    subject: message.subject,
    date: message.date?.toISOString() ?? null,
    text: trimmed(message.text),
    html: trimmed(message.html),
    files: await Promise.all(files.map(fileOf)),
  };
}

/** The same of mailparser, an independent reader. It does not say which files the HTML shows, so ours is what counts there. */
async function theirs({ mime }: CorpusMessage, { files }: Seen): Promise<Seen> {
  const message = await simpleParser(Buffer.from(bytesOf(mime)), {
    skipImageLinks: true,
    skipTextToHtml: true,
  });
  const addresses = (value: AddressObject | AddressObject[] | undefined): string[] =>
    [value ?? []]
      .flat()
      .flatMap((list) => list.value)
      .flatMap((entry) => entry.group ?? [entry])
      .flatMap(({ name, address }) => (address ? [addressText({ name, email: address })] : []));
  return {
    from: addresses(message.from)[0] ?? null,
    to: addresses(message.to),
    cc: addresses(message.cc),
    subject: message.subject ?? null,
    date: message.headers.has("date") ? (message.date?.toISOString() ?? null) : null,
    text: trimmed(message.text),
    html: trimmed(message.html || null),
    files: message.attachments.map(({ filename, content }, at) => {
      const bytes = content.toString("latin1");
      return files[at]?.[2] ? [filename ?? null, bytes, "inline"] : [filename ?? null, bytes];
    }),
  };
}

describe("messages of every kind", () => {
  it.each(CORPUS)("$name", async (message) => {
    const seen = await ours(message);
    expect(seen).toMatchObject(message.want);
  });

  it("are read as mailparser reads them, but for what is listed with its reason", async () => {
    const disagreements: Record<string, Record<string, string>> = {};
    const listed: Record<string, Record<string, string>> = {};
    for (const message of CORPUS) {
      const own = await ours(message);
      const other = await theirs(message, own);
      const fields = (Object.keys(own) as (keyof Seen)[]).filter(
        (field) => JSON.stringify(own[field]) !== JSON.stringify(other[field]),
      );
      if (fields.length > 0) {
        disagreements[message.name] = Object.fromEntries(
          fields.map((field) => [
            field,
            message.differs?.[field] ?? `NOT LISTED: ${JSON.stringify([own[field], other[field]])}`,
          ]),
        );
      }
      if (message.differs) listed[message.name] = { ...message.differs } as Record<string, string>;
    }
    expect(disagreements).toEqual(listed);
  });
});
