import { describe, expect, it } from "vitest";
import { formatAddress, InvalidAddressError, parseAddress } from "../src/index.js";
import { encodeDomain, parseAddressList } from "../src/provider.js";

const parsed = (text: string): unknown => {
  const { name, email } = parseAddress(text, "to[0]");
  return { name, email };
};

describe("parseAddress", () => {
  it.each([
    ["ada@example.com", "", "ada@example.com"],
    ["<ada@example.com>", "", "ada@example.com"],
    ["Ada <ada@example.com", "Ada", "ada@example.com"],
    ["Ada Lovelace <ada@example.com>", "Ada Lovelace", "ada@example.com"],
    ['"Lovelace, Ada" <ada@example.com>', "Lovelace, Ada", "ada@example.com"],
    ['"say \\"hi\\" \\\\o/" <ada@example.com>', 'say "hi" \\o/', "ada@example.com"],
    ["Ada (the (first)) <ada@example.com> (programmer)", "Ada (the (first)) (programmer)", "ada@example.com"],
    ["Support (Billing) <a@example.com>", "Support (Billing)", "a@example.com"],
    ["a@example.com (Ada)", "Ada", "a@example.com"],
    ["(Ada) a@example.com", "Ada", "a@example.com"],
    ["(Ada) <a(comment)@example.com>", "Ada", "a@example.com"],
    ["a@example.com <a@example.com>", "a@example.com", "a@example.com"],
    ["[IT] Support <it@example.com>", "[IT] Support", "it@example.com"],
    ["Ada @ Work (home) <a@example.com>", "Ada @ Work (home)", "a@example.com"],
    ["\u200bada@example.com\ufeff", "", "ada@example.com"],
    ["Ada\u00a0<ada@example.com>\u200b", "Ada", "ada@example.com"],
    ["ada@example.com.", "", "ada@example.com"],
    ["👩\u200d💻 Ada <ada@example.com>", "👩\u200d💻 Ada", "ada@example.com"],
    ["half \ud83d <ada@example.com>", "half \ufffd", "ada@example.com"],
    ["x@نامه\u200cای.com", "", "x@xn--mgba3gch31f060k.com"],
    ["Ada K. Lovelace <Ada.K@Example.COM>", "Ada K. Lovelace", "Ada.K@Example.COM"],
    ['"ada l"@example.com', "", '"ada l"@example.com'],
    ["ada@[192.0.2.1]", "", "ada@[192.0.2.1]"],
    ["ada+tag=x@example.com", "", "ada+tag=x@example.com"],
    ["Příjemce <to-тест@příklad.example.cz>", "Příjemce", "to-тест@xn--pklad-zsa96e.example.cz"],
    ["x@BÜCHER.example", "", "x@xn--bcher-kva.example"],
    ["x@faß.example", "", "x@xn--fa-hia.example"],
    ["😀 <x@example.com>", "😀", "x@example.com"],
  ])("reads %s", (text, name, email) => {
    expect(parsed(text)).toEqual({ name, email });
  });

  it.each([
    ["", "is empty"],
    ["ada", 'has no "@"'],
    ["ada@", "has no domain"],
    ["@example.com", "local part"],
    ["ada@example..com", "domain that is not valid"],
    ["ada@exa mple.com", "unexpected"],
    ["ada@example.com/x", "domain that is not valid"],
    ["a..b@example.com", "local part"],
    [".a@example.com", "local part"],
    ["a b@example.com", "local part"],
    ["Friends: ada@example.com, grace@example.com;", "group"],
    ["Lovelace, Ada <ada@example.com>", "display name with a comma"],
    ["ada@example.com, grace@example.com", "holds 2 addresses"],
    ["a\u200bda@example.com", "U+200B"],
    ["ada@exam\u00a0ple.com", "U+00A0"],
    ["ada@exam\ufeffple.com", "U+FEFF"],
    ["a\u2028da@example.com", "U+2028"],
    ["ada@example.com..", "domain that is not valid"],
    ['"a" "b"@example.com', "local part"],
    ["john..doe@example.com", "in quotes"],
    ["a@x <b@y> c@z", "unexpected"],
    ["Ada <ada@example.com, b@example.com", 'closing ">"'],
    ['"Ada <ada@example.com>', "quote that is not closed"],
    ["ada@example.com (oops", "comment that is not closed"],
    ["Ada\r\nBcc: x@example.com <ada@example.com>", "control character"],
    ["ada@exam\u0000ple.com", "control character"],
    ["x@１.２.３.４", "domain that is not valid"],
  ])("refuses %j", (text, why) => {
    expect(() => parseAddress(text, "to[3]")).toThrow(InvalidAddressError);
    expect(() => parseAddress(text, "to[3]")).toThrow(why);
    expect(() => parseAddress(text, "to[3]")).toThrow('"to[3]"');
  });

  it("takes parts, keeps what the caller wrote, and refuses line breaks in a name", () => {
    expect(parseAddress({ name: 'A "B", C', email: "a@bücher.example" }, "to[0]")).toEqual({
      name: 'A "B", C',
      address: "a@bücher.example",
      email: "a@xn--bcher-kva.example",
      domain: "xn--bcher-kva.example",
    });
    expect(() => parseAddress({ name: "A\nB", email: "a@example.com" }, "to[0]")).toThrow(
      "control character",
    );
    expect(() => parseAddress({ email: "A <a@example.com>" }, "to[0]")).toThrow("inside its email");
    expect(() => parseAddress(42 as never, "to[0]")).toThrow(InvalidAddressError);
  });

  it("reads lists where they are allowed", () => {
    expect(
      parseAddressList('first@example.com, "From, also" <second@example.com>', "from").map(
        ({ email }) => email,
      ),
    ).toEqual(["first@example.com", "second@example.com"]);
  });
});

describe("formatAddress", () => {
  it.each([
    ["Bob <bob@example.com>"],
    ['"From, also" <second@example.com>'],
    ['"a \\"b\\" \\\\" <c@example.com>'],
    ["d@example.com"],
  ])("writes %s as it was read", (text) => {
    expect(formatAddress(parseAddress(text, "to"))).toBe(text);
  });
});

describe("encodeDomain", () => {
  it("leaves ASCII alone and refuses what could escape into a URL", () => {
    expect(encodeDomain("Example.COM")).toBe("Example.COM");
    for (const bad of ["é/x", "é#x", "é?x", "é@x", "é:1", "é%2e", "-a.com", "a_b..c", "", "é é"])
      expect(encodeDomain(bad)).toBeUndefined();
  });
});
