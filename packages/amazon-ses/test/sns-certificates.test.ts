import { type FakeCertificateOptions, type FakeSigner, fakeCertificate } from "@posthorn/testing/sns";
import { describe, expect, it } from "vitest";
import {
  CERTIFICATE,
  chain,
  FILES,
  HOSTS,
  issuer,
  NOW,
  postOnce,
  root,
  STRANGERS,
  signer,
  stranger,
  strangersRoot,
} from "./sns-kit.js";

/** Where a certificate says that its issuer's is. */
const ISSUER = "http://crt.made-up.amazontrust.com/issuer.cer";

describe("certificates of SNS", () => {
  const issued = async (
    options: FakeCertificateOptions,
    file = (leaf: FakeSigner): string => chain(leaf, issuer),
    more: Readonly<Record<string, string | Uint8Array>> = {},
  ) => {
    const leaf = await fakeCertificate({ issuer, hosts: HOSTS, ...options });
    return postOnce({ signer: leaf }, { files: { [CERTIFICATE]: file(leaf), ...more } });
  };

  it("are fetched once, from a host of SNS alone", async () => {
    const { status, urls, again } = await postOnce();
    expect([status, await again(), await again()]).toEqual([200, 200, 200]);
    expect(urls).toEqual([CERTIFICATE]);
    for (const certificateUrl of [
      "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
      "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
      "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
      "https://user:pw@sns.eu-west-1.amazonaws.com/a.pem",
      "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
      "http://sns.eu-west-1.amazonaws.com/a.pem",
      "https://s3.eu-west-1.amazonaws.com/a.pem",
      "https://sns.s3-eu-west-1.amazonaws.com/a.pem",
      "https://sns.s3.amazonaws.com/a.pem",
      "https://sns.evil.example/a.pem",
      "file:///etc/passwd",
      "not a URL",
      "",
    ]) {
      const refused = await postOnce(
        { certificateUrl },
        { files: { [certificateUrl]: FILES[CERTIFICATE] ?? "" } },
      );
      expect([refused.status, refused.urls], certificateUrl).toEqual([400, []]);
      expect(refused.reason).toContain("address");
    }
  });

  it("are good from China too", async () => {
    const certificateUrl = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-made-up.pem";
    const files = { [certificateUrl]: chain(signer, issuer) };
    expect(await postOnce({ certificateUrl }, { files })).toMatchObject({ status: 200 });
  });

  it("may lead to the root through what the file holds, or through what the certificate names", async () => {
    expect(await issued({ issuer: root }, ({ pem }) => pem)).toMatchObject({ status: 200 });
    const der = new Uint8Array(issuer.certificate.rawData);
    expect(await issued({ issuerUrl: ISSUER }, ({ pem }) => pem, { [ISSUER]: der })).toMatchObject({
      status: 200,
      urls: [CERTIFICATE, ISSUER],
    });
    const elsewhere = "http://evil.example/issuer.cer";
    expect(await issued({ issuerUrl: elsewhere }, ({ pem }) => pem, { [elsewhere]: der })).toMatchObject({
      status: 400,
      urls: [CERTIFICATE],
    });
  });

  it("are refused when they do not lead to a trusted root", async () => {
    const refused = { status: 400, events: [] };
    const untrusted = await postOnce({ signer: stranger, certificateUrl: STRANGERS });
    expect(untrusted).toMatchObject(refused);
    // The root of the same name is another's.
    expect(await issued({ issuer: strangersRoot }, (leaf) => chain(leaf, root))).toMatchObject(refused);
    expect(await issued({}, ({ pem }) => pem)).toMatchObject({
      ...refused,
      reason: expect.stringContaining("ends before a trusted root"),
    });
    const selfSigned = await fakeCertificate({ hosts: HOSTS });
    const files = { [CERTIFICATE]: selfSigned.pem };
    expect(await postOnce({ signer: selfSigned }, { files })).toMatchObject(refused);
  });

  it("are refused when their issuer is no authority", async () => {
    const server = await fakeCertificate({ issuer, hosts: ["www.example.com"] });
    expect(await issued({ issuer: server }, (leaf) => chain(leaf, server, issuer))).toMatchObject({
      status: 400,
      reason: expect.stringContaining("no authority"),
    });
  });

  it("are refused before and after their time, and so are those of their issuers", async () => {
    const [past, future] = [new Date("2026-11-01"), new Date("2026-12-01")];
    const refused = { status: 400, reason: expect.stringContaining("not valid at this time") };
    expect(await issued({ notAfter: past })).toMatchObject(refused);
    expect(await issued({ notBefore: future })).toMatchObject(refused);
    const old = await fakeCertificate({ issuer: root, commonName: "old", isAuthority: true, notAfter: past });
    expect(await issued({ issuer: old }, (leaf) => chain(leaf, old))).toMatchObject(refused);
  });

  it("are refused once they expire, although they were known", async () => {
    const leaf = await fakeCertificate({ issuer, hosts: HOSTS, notAfter: new Date(NOW + 60_000) });
    let now = NOW;
    const { status, again } = await postOnce(
      { signer: leaf },
      { files: { [CERTIFICATE]: chain(leaf, issuer) }, webhook: { clock: { now: () => now } } },
    );
    now += 120_000;
    expect([status, await again()]).toEqual([200, 400]);
  });

  it("are refused when they are not those of SNS", async () => {
    const refused = { status: 400, reason: expect.stringContaining("not one of SNS") };
    expect(await issued({ hosts: ["www.example.com"] })).toMatchObject(refused);
    expect(await issued({ hosts: ["sns.amazonaws.com.evil.example"] })).toMatchObject(refused);
    expect(await issued({ hosts: [], commonName: "sns.evil.example" })).toMatchObject(refused);
    expect(await issued({ hosts: [], commonName: "sns.eu-west-1.amazonaws.com" })).toMatchObject({
      status: 200,
    });
  });

  it("are refused when they cannot be read", async () => {
    const der = new Uint8Array(signer.certificate.rawData);
    for (const file of [
      "",
      "no certificate",
      "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      Uint8Array.of(0x30, 0x80),
      Uint8Array.of(0x30, 0x85, 1, 1, 1, 1, 1),
      der.subarray(0, 100),
    ]) {
      const { status, events } = await postOnce({}, { files: { [CERTIFICATE]: file } });
      expect([status, events]).toEqual([400, []]);
    }
    for (let at = 0; at < der.length; at += 13) {
      const broken = Uint8Array.from(der);
      broken[at] = (broken[at] ?? 0) ^ 0x10;
      const { status } = await postOnce({}, { files: { [CERTIFICATE]: broken } });
      expect(status, `byte ${at}`).toBe(400);
    }
  });

  it("that cannot be fetched make a 500, so that SNS tries again", async () => {
    const files: Record<string, string> = {};
    const first = await postOnce({}, { files });
    expect(first.status).toBe(500);
    files[CERTIFICATE] = chain(signer, issuer);
    expect(await first.again()).toBe(200);
    expect(first.events).toHaveLength(1);
  });
});
