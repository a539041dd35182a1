import type { Message } from "@posthorn/core";

/** The mails that the example sends, by what they show. */
export function mails(
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
      html: "<p>It is good to have <b>you</b> with us.</p>",
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

function address(mailbox: string): string {
  return /<(.+)>/.exec(mailbox)?.[1] ?? mailbox;
}
