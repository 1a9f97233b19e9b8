export async function checkSource(_: unknown): Promise<void> {
  await Promise.resolve(_);
}
export async function dropSinkTables(_: unknown): Promise<void> {
  await Promise.resolve(_);
}
