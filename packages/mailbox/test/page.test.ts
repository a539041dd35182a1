import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { resend } from "@posthorn/resend";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ListeningMailbox, postmarkEvents } from "../src/index.js";
import { hostileHtml, INERT } from "./hostile.js";
import { HELLO, memoryMailbox, newestId } from "./messages.js";

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
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const present = existsSync(EXECUTABLE);
if (!present)
  console.warn(`skipped: there is no ${EXECUTABLE} to open the page in (apt-get install chromium)`);

describe.skipIf(!present)("the page in Chromium", { timeout: 90_000 }, () => {
  let browser: Browser;
  let served: ListeningMailbox;
  let sink: Server;
  let sinkUrl: string;
  /** What was asked of the server that no message may reach, and how many connected to it. */
  let asked: string[] = [];
  let connections = 0;
  const mail = memoryMailbox({
    providers: { resend: resend({ apiKey: "made-up" }) },
    webhooks: {
      tracking: "http://localhost:3000/hook",
      format: postmarkEvents(),
      fetch: async () => new Response("taken", { status: 202 }),
    },
  });

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
    served = await mail.listen({ port: 0 });
    sink = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.setHeader("content-type", "text/html");
      response.end("<script>document.title = String(window.opener)</script>");
    });
    sink.on("connection", () => connections++);
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await mail.close();
    sink?.closeAllConnections();
    sink?.close();
  });
  beforeEach(async () => {
    await mail.clear();
    asked = [];
    connections = 0;
  });

  /** Opens a page, and notes what must not happen in it. */
  async function open(
    path = "",
    options: Parameters<Browser["newContext"]>[0] = {},
  ): Promise<{ readonly page: Page; readonly wrong: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => {
      wrong.push(`a script ran: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(served.url + path);
    return { page, wrong };
  }

  const HOSTILE_SUBJECT = `<img src=x onerror="alert('subject')"></title><script>alert(1)</script>`;
  const sendHostile = async (): Promise<string> => {
    await mail.send({
      from: { email: "evil@example.com", name: `"><script>alert('name')</script>` },
      to: [{ email: "grace@example.org", name: "<b onclick=alert(2)>Grace</b>" }],
      subject: HOSTILE_SUBJECT,
      html: hostileHtml(sinkUrl, served.url),
      tags: ["<script>alert('tag')</script>"],
      attachments: [{ filename: "<img src=x onerror=alert(3)>.html", content: "<script>alert(4)</script>" }],
    });
    return newestId(mail);
  };

  it("shows a hostile message, which runs nothing, loads nothing and stays in its frame", async () => {
    const id = await sendHostile();
    const { page, wrong } = await open(`#/${id}/preview`);
    const frame = page.frameLocator("iframe");
    await frame.locator("#blank").waitFor({ state: "attached" });
    await page.waitForTimeout(1500);
    expect(await page.title()).toMatch(/Mailbox$/);
    expect(await page.getByRole("heading", { level: 2 }).textContent()).toBe(HOSTILE_SUBJECT);
    expect(asked).toEqual([]);
    expect(connections).toBe(0);
    // What the person does must come to nothing either.
    for (const selector of INERT) {
      const target = page.frameLocator("iframe").locator(selector);
      // The frame may be at an error page after an attack that was stopped: then it is opened anew.
      if ((await target.count()) === 0) await page.reload();
      await page.frameLocator("iframe").locator(selector).dispatchEvent("click", {}, { timeout: 5000 });
      await page.waitForTimeout(250);
      expect([selector, page.url()]).toEqual([selector, `${served.url}#/${id}/preview`]);
    }
    expect(asked).toEqual([]);
    expect(wrong).toEqual([]);
    expect(await mail.listMessages()).toHaveLength(1);
    await page.context().close();
  });

  it("opens a link in a tab of its own, which knows nothing of the page", async () => {
    const id = await sendHostile();
    const { page, wrong } = await open(`#/${id}/preview`);
    const [popup] = await Promise.all([
      page.waitForEvent("popup"),
      page.frameLocator("iframe").locator("#blank").dispatchEvent("click"),
    ]);
    await popup.waitForURL(`${sinkUrl}/link-blank`);
    await expect.poll(() => popup.title()).toBe("null");
    expect(page.url()).toBe(`${served.url}#/${id}/preview`);
    expect(asked.filter((path) => path !== "/favicon.ico" && path !== "/ping")).toEqual(["/link-blank"]);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it("keeps a hostile message harmless also when its document is opened alone", async () => {
    const id = await sendHostile();
    const { page, wrong } = await open(`messages/${id}/html`);
    await page.waitForTimeout(1500);
    for (const selector of ["#submit", "#javascript", "#formaction", "#data"]) {
      await page.locator(selector).dispatchEvent("click");
      await page.waitForTimeout(200);
    }
    expect(page.url()).toBe(`${served.url}messages/${id}/html`);
    expect(await page.evaluate(() => self.origin).catch(() => "null")).toBe("null");
    expect(asked).toEqual([]);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it("loads images, styles and fonts alone when remote images are asked for", async () => {
    const id = await sendHostile();
    const { page, wrong } = await open(`#/${id}/preview`);
    await page.frameLocator("iframe").locator("#blank").waitFor({ state: "attached" });
    expect(asked).toEqual([]);
    await page.getByRole("switch", { name: "Remote images" }).check();
    await expect.poll(() => asked, { timeout: 15_000 }).toContain("/svg-image.png");
    await page.waitForTimeout(1000);
    const loaded = new Set(asked.map((path) => path.slice(1).replace(/\..*/, "")));
    for (const name of ["stylesheet", "img", "picture", "body-background", "svg-image"])
      expect(loaded).toContain(name);
    for (const name of loaded) {
      expect(name).not.toMatch(
        /^(?:script|modulepreload|iframe|foreign|object|embed|video|audio|track|form|meta|fetch|top|link|base|ping|manifest|speculation|use)/,
      );
    }
    expect(wrong).toEqual([]);
    expect(page.url()).toBe(`${served.url}#/${id}/preview`);
    await page.context().close();
  });

  it("cannot be read by a page of another origin, nor framed by one", async () => {
    await mail.send(HELLO);
    const { page } = await open();
    await page.goto(`${sinkUrl}/attacker`);
    const results = await page.evaluate(async (url) => {
      const attempt = (path: string, init?: RequestInit): Promise<string> =>
        fetch(url + path, init).then(
          (response) => `${response.type} ${response.status}`,
          () => "blocked",
        );
      return [
        await attempt("api/messages"),
        await attempt("api/messages", { mode: "no-cors" }),
        await attempt("api/messages", { method: "POST", mode: "no-cors", body: "{}" }),
        await attempt("api/messages", { method: "DELETE" }),
        await new Promise<string>((resolve) => {
          const source = new EventSource(`${url}api/events`);
          source.onopen = () => resolve("open");
          source.onerror = () => resolve("blocked");
        }),
      ];
    }, served.url);
    expect(results).toEqual(["blocked", "blocked", "blocked", "blocked", "blocked"]);
    await page.setContent(`<iframe src="${served.url}"></iframe>`);
    await page.waitForTimeout(500);
    expect(await page.frames()[1]?.evaluate(() => document.querySelector("#app") !== null)).toBe(false);
    expect(await mail.listMessages()).toHaveLength(1);
    await page.context().close();
  });

  const PLENTY = {
    ...HELLO,
    cc: ["cc@example.org"],
    subject: "Hi {{name}}",
    tags: ["welcome"],
    metadata: { userId: 42 },
    headers: { "X-Order": "7" },
    html: `<html lang="en"><style>p{border-radius:4px;position:absolute}</style><p>Hi {{name}}</p><img src="cid:none"><a href="http://localhost:3000/">here</a><a href="#">there</a></html>`,
    mergeData: { "grace@example.org": { name: "Grace" } },
    attachments: [{ filename: "a.txt", content: "file" }],
  };

  for (const colorScheme of ["light", "dark"] as const) {
    it(`is accessible in ${colorScheme}, on each tab and on a phone`, async () => {
      const { page, wrong } = await open("", { colorScheme, bypassCSP: true });
      const violations: string[] = [];
      const check = async (where: string): Promise<void> => {
        // In the frame is the message, whose faults are its author's.
        const found = await page.evaluate(async () => {
          const { axe } = window as unknown as {
            axe: {
              run(
                context: object,
                options: object,
              ): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
            };
          };
          const { violations } = await axe.run({ exclude: ["iframe"] }, { iframes: false });
          return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
        });
        violations.push(...found.map((what) => `${where}: ${what}`));
      };
      await page.addScriptTag({ path: AXE });
      await page.getByText("No messages yet.").waitFor();
      await check("empty");
      await mail.send(PLENTY);
      await mail.send({ ...HELLO, subject: "Another" });
      await page.getByText("Hi {{name}}").first().click();
      for (const tab of [
        "Preview",
        "Text",
        "Source",
        "Headers",
        "Recipients",
        "Request",
        "Checks",
        "Events",
      ]) {
        await page.getByRole("tab", { name: tab, exact: true }).click();
        await page.waitForTimeout(150);
        if (tab === "Events") await page.getByRole("button", { name: "bounced" }).click();
        if (tab === "Events") await page.getByText("202", { exact: true }).waitFor();
        await check(tab);
      }
      await page.keyboard.press("?");
      await check("help");
      await page.keyboard.press("Escape");
      await page.setViewportSize({ width: 375, height: 700 });
      await check("phone");
      await page.getByRole("button", { name: "Back to the list" }).click();
      await check("phone list");
      expect(violations).toEqual([]);
      expect(wrong).toEqual([]);
      await page.context().close();
    });
  }

  it("shows messages as they come, searches and deletes, by keyboard alone", async () => {
    const { page, wrong } = await open();
    await page.getByText("No messages yet.").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    await mail.send({ ...HELLO, subject: "First" });
    await page.getByRole("link", { name: /First/ }).waitFor();
    await mail.send({ ...HELLO, subject: "Second" });
    await page.getByRole("link", { name: /Second/ }).waitFor();
    expect(await page.getByRole("status").textContent()).toBe("New message: Second");
    await expect.poll(() => page.title()).toBe("(2) Mailbox");
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: "Second" }).waitFor();
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: "First" }).waitFor();
    await expect.poll(() => page.title()).toBe("Mailbox");
    await page.keyboard.press("2");
    await page.locator("pre.text").getByText("Hi Grace").waitFor();
    await page.getByRole("tab", { selected: true }).focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("tab", { selected: true }).textContent()).toBe("Source");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("tab-source");
    await page.keyboard.press("r");
    await expect.poll(() => page.title()).toBe("(1) Mailbox");
    await page.keyboard.press("#");
    await page.getByRole("heading", { name: "Second" }).waitFor();
    expect((await mail.listMessages()).map(({ message }) => message.subject)).toEqual(["Second"]);
    await page.keyboard.press("/");
    await page.keyboard.type("nothing such");
    await page.getByText("No message has these words.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Delete all messages" }).isDisabled();
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it("shows what is behind a message", async () => {
    await mail.send(PLENTY);
    const id = await newestId(mail);
    const { page, wrong } = await open(`#/${id}`);
    const failures: string[] = [];
    page.on("console", (message) => {
      // The message names an image that it does not have.
      if (message.type() === "error" && !message.text().includes("cid:none")) failures.push(message.text());
    });
    const panel = page.getByRole("tabpanel");
    const tab = (name: string): Promise<void> => page.getByRole("tab", { name, exact: true }).click();
    await page.frameLocator("iframe").getByText("Hi {{name}}").waitFor();
    await tab("Recipients");
    await panel.getByRole("button", { name: "Preview" }).click();
    await page.frameLocator("iframe").getByText("Hi Grace").waitFor();
    expect(await page.getByRole("heading", { level: 2 }).textContent()).toBe("Hi Grace");
    await tab("Source");
    await panel.getByText("MIME").click();
    await panel.getByText("Content-Type: multipart/mixed").waitFor();
    await tab("Headers");
    expect(await panel.getByRole("row").allTextContents()).toContain("X-Order7");
    await tab("Request");
    await panel.getByText("https://api.resend.com/emails").waitFor();
    expect(await panel.textContent()).toContain("authorization: [redacted]");
    await tab("Checks");
    const checks = await panel.textContent();
    for (const text of [
      "Missing inline image",
      "Images without alt",
      "border-radius",
      "Not in Outlook for Windows",
      "only on this machine",
      "goes nowhere",
      "{{name}}",
    ])
      expect(checks).toContain(text);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download as .eml" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("Hi-name.eml");
    expect(failures).toEqual([]);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it("fits a phone: nothing is wider than the screen", async () => {
    await mail.send({ ...PLENTY, subject: "A-subject-without-any-space-".repeat(10) });
    const id = await newestId(mail);
    const { page } = await open("", { viewport: { width: 360, height: 640 } });
    const overflow = (): Promise<number> =>
      page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await page.getByRole("link", { name: /A-subject/ }).waitFor();
    expect(await overflow()).toBe(0);
    expect(await page.getByRole("article").isVisible()).toBe(false);
    for (const tab of ["preview", "headers", "recipients", "request", "checks", "events"]) {
      await page.goto(`${served.url}#/${id}/${tab}`);
      await page.getByRole("tabpanel").waitFor();
      await page.waitForTimeout(100);
      expect([tab, await overflow()]).toEqual([tab, 0]);
    }
    await page.getByRole("button", { name: "Back to the list" }).click();
    await page.getByRole("link", { name: /A-subject/ }).waitFor();
    await page.context().close();
  });
});
