import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Running, run } from "./running.js";

const EXECUTABLE = "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const present = existsSync(EXECUTABLE);
if (!present)
  console.warn(`skipped: there is no ${EXECUTABLE} to open the page in (apt-get install chromium)`);

describe.skipIf(!present)("the page in Chromium", { timeout: 60_000 }, () => {
  let example: Running;
  let browser: Browser;
  beforeAll(async () => {
    example = await run();
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await example?.close();
  });

  async function open(options: { readonly javaScriptEnabled?: boolean } = {}): Promise<{
    readonly page: Page;
    readonly wrong: readonly string[];
  }> {
    const page = await browser.newPage(options);
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    page.on("dialog", (dialog) => {
      wrong.push(`a script ran: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(example.url);
    return { page, wrong };
  }

  it("shows live what happens to a mail, and a mail that comes in, whatever it holds", async () => {
    const { page, wrong } = await open();
    await page.getByText("Live", { exact: true }).waitFor();
    const events = page.getByRole("region", { name: "Events" });
    expect(await events.getByText("No webhook has come yet.").isVisible()).toBe(true);

    expect(await example.send("mandrill", { subject: "Hello" })).toBe(200);
    await events.getByRole("row").filter({ hasText: "delivered" }).waitFor();
    expect(await events.getByText("No webhook has come yet.").isVisible()).toBe(false);
    const mails = page.getByRole("region", { name: "Mails" });
    expect(await mails.getByRole("row").nth(1).textContent()).toContain("b@example.org");

    const subject = `<script>alert(1)</script><img src=x onerror="alert(2)"> & "more"`;
    const letter = { from: "mallory@example.org", to: "help@example.com", subject, text: "Hi" };
    await example.fakes.mailgun.receiveMail(letter);
    const row = events.getByRole("row").filter({ hasText: "inbound" });
    await row.waitFor();
    expect(await row.getByRole("cell").allTextContents()).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d$/),
      "Mailgun",
      "inbound",
      "mallory@example.org",
      subject,
    ]);
    expect(await row.locator("script, img").count()).toBe(0);
    // The newest is the first, below the head.
    expect(await events.getByRole("row").nth(1).textContent()).toContain("inbound");
    expect(wrong).toEqual([]);
    await page.close();
  });

  it("shows the same without scripts", async () => {
    example.activity.add("event", ["Mailgun", "opened", "d@example.org", "<i>"]);
    const { page, wrong } = await open({ javaScriptEnabled: false });
    const events = page.getByRole("region", { name: "Events" });
    expect(await events.getByRole("row").nth(1).getByRole("cell").nth(4).textContent()).toBe("<i>");
    expect(wrong).toEqual([]);
    await page.close();
  });
});
