/** `$n` as the plain `?` that every driver takes by position, and which parameter each stands for. */
export function positional(sql: string): { readonly text: string; readonly order: readonly number[] } {
  const order: number[] = [];
  const text = sql.replace(/\$(\d+)/g, (_, digits: string) => {
    order.push(Number(digits) - 1);
    return "?";
  });
  return { text, order };
}
