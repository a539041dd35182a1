import { randomBytes } from "node:crypto";

/** What a recipient of a fake provider does with a mail. */
export type RecipientAction =
  | { readonly kind: "delivered" | "bounced" | "opened" }
  | { readonly kind: "clicked"; readonly url: string };

/** The program that opens mails and follows links. */
export const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) FakeReader/1.0";
/** The answer of the receiving server to a mail at `bounce.example`. */
export const BOUNCE = "550 5.1.1 no such mailbox";

/**
 * Mail to `bounce.example` comes back. Every other recipient gets the mail, opens it when it has HTML (that is how
 * opening is noticed), and clicks its first link.
 */
export function deedsOf(recipient: string, html: string | undefined): readonly RecipientAction[] {
  if (recipient.toLowerCase().endsWith("@bounce.example")) return [{ kind: "bounced" }];
  if (html === undefined) return [{ kind: "delivered" }];
  const url = /<a\s[^>]*href="(https?:[^"]+)"/i.exec(html)?.[1];
  return [{ kind: "delivered" }, { kind: "opened" }, ...(url ? [{ kind: "clicked", url } as const] : [])];
}

/** An id such as providers give, in hexadecimal. */
export function randomId(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}
