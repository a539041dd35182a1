import type { Readable } from "node:stream";
import DKIM from "nodemailer/lib/dkim";
import MailComposer from "nodemailer/lib/mail-composer";
import { type Address, ConfigurationError, type NormalizedMessage, requireFrom } from "./core.js";
import { mailOptions, newMessageId } from "./mime.js";
import type { DkimSettings } from "./options.js";

/** A message in the form in which it goes over the wire, the same for every attempt. */
export interface ComposedMessage {
  /** The message (RFC 5322), signed where it is to be. */
  readonly bytes: Buffer;
  /** Its Message-ID, angle brackets included. */
  readonly messageId: string;
}

/**
 * Writes a message as MIME, and signs it.
 *
 * @param to the recipients in its header
 * @throws ConfigurationError when the DKIM key makes no signature
 */
export async function compose(
  message: NormalizedMessage,
  to: readonly Address[],
  dkim: DkimSettings | undefined,
): Promise<ComposedMessage> {
  const options = await mailOptions(message, to);
  const messageId = options.messageId ?? newMessageId(requireFrom(message).domain);
  const node = new MailComposer({ ...options, messageId, newline: "win" }).compile();
  const plain = await node.build();
  return { bytes: dkim ? await sign(plain, dkim) : plain, messageId };
}

async function sign(plain: Buffer, dkim: DkimSettings): Promise<Buffer> {
  const signer = new DKIM({
    domainName: dkim.domain,
    keySelector: dkim.selector,
    privateKey: dkim.privateKey,
    ...(dkim.skipHeaders ? { skipFields: dkim.skipHeaders.join(":") } : {}),
  });
  const signed = await collect(signer.sign(plain));
  // Nodemailer sends a message unsigned when its key cannot sign, without an error.
  if (signed.subarray(0, 15).toString("latin1").toLowerCase() === "dkim-signature:") return signed;
  throw new ConfigurationError('SMTP: option "dkim.privateKey" makes no signature', { provider: "SMTP" });
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
