import type { Message } from "@posthorn/core";
import type { ReceivedMail } from "@posthorn/testing/servers";

/** The messages that the example sends, by what they show. */
export function exampleMessages(
  from: string,
  to: string,
  other: string,
): Readonly<Record<"welcome" | "batch" | "receipt", Message>> {
  return {
    welcome: {
      from,
      to: [to],
      subject: "Welcome aboard",
      text: "It is good to have you with us.",
      html: '<p>It is good to have <b>you</b> with us. <a href="https://example.com/start">Start here</a>.</p>',
      tags: ["welcome"],
      metadata: { userId: 42 },
    },
    // One message each: nobody sees the others' addresses.
    batch: {
      from,
      to: [to, other],
      subject: "Your plan",
      text: "Your plan renews soon.",
      mergeData: { [address(to)]: { plan: "gold" }, [address(other)]: { plan: "silver" } },
      mergeGlobalData: { site: "example.com" },
    },
    receipt: {
      from,
      to: [to],
      subject: "Your receipt",
      text: "The receipt is attached.",
      attachments: [{ filename: "receipt.csv", content: "item,price\nhorn,12.50\n" }],
    },
  };
}

/** Mails that the example receives. */
export function letters(to: string): readonly ReceivedMail[] {
  return [
    {
      from: "Grace <grace@example.org>",
      to,
      subject: "Re: Welcome aboard – merci!",
      text: "Glad to be here.\n\n> It is good to have you with us.\n",
      files: [{ filename: "café.txt", contentType: "text/plain", content: "See you there." }],
    },
  ];
}

function address(mailbox: string): string {
  return /<(.+)>/.exec(mailbox)?.[1] ?? mailbox;
}
