const TYPES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  gif: "image/gif",
  htm: "text/html",
  html: "text/html",
  ics: "text/calendar",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  webp: "image/webp",
  xml: "application/xml",
  zip: "application/zip",
};

/** The MIME type that a file's name stands for, where it is one of the common ones. */
export function typeOfName(filename: string): string | undefined {
  const extension = filename.slice(filename.lastIndexOf(".") + 1).toLowerCase();
  return Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
}

/** The file name extension of a MIME type, where it is one of the common ones. */
export function extensionOfType(type: string): string | undefined {
  if (type === "text/html") return "html";
  if (type === "image/jpeg") return "jpg";
  return Object.keys(TYPES).find((extension) => TYPES[extension] === type);
}
