/** An address as Nodemailer's `getAddresses()` gives it: groups are opened, domains are in ASCII. */
export interface ParsedAddress {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
}

/** A content node after `normalize()`: strings as they are, everything else in base64. */
export interface ContentNode {
  readonly content?: unknown;
  readonly encoding?: unknown;
  readonly contentType?: unknown;
  readonly filename?: unknown;
  readonly cid?: unknown;
  readonly contentDisposition?: unknown;
  readonly method?: unknown;
  readonly path?: unknown;
  readonly href?: unknown;
  readonly raw?: unknown;
  readonly headers?: unknown;
}

/** The message that Nodemailer hands to a transport: what the versions from 6.10 on have in common. */
export interface NodemailerMessage {
  // biome-ignore lint/suspicious/noExplicitAny: each version of Nodemailer has a type of its own for it
  data: any;
  readonly message: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  normalize(callback: (error: any, data?: any) => void): void;
}

/** The part of Nodemailer's MIME node that is read. */
export interface MimeNode {
  getAddresses(): Readonly<Record<string, readonly ParsedAddress[] | undefined>>;
  getEnvelope(): { readonly from?: string | false | undefined; readonly to?: readonly string[] | undefined };
  getHeader(name: string): unknown;
}
